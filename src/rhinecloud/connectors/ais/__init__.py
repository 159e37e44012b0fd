"""AIS: what ships and shore stations say over VHF, as NMEA 0183 sentences in lines of text."""
