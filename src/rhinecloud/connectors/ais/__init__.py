"""AIS: reports of ships and shore stations over VHF, as NMEA 0183 sentences in lines of text."""
