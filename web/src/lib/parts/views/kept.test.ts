import { describe as group, expect, test } from 'vitest';
import type { Layer } from '$lib/api/model';
import { chosenParameters, describe, placeBy, visibleBy } from './kept';

const layers = [
  { id: 'gauges', visible: true },
  { id: 'stops', visible: false },
] as Layer[];

group('what is kept of a view', () => {
  test('layers are as they say until somebody chooses', () => {
    expect(visibleBy(layers, null)).toEqual({ gauges: true, stops: false });
    expect(visibleBy(layers, 'stops,unknown')).toEqual({ gauges: false, stops: true });
    expect(visibleBy(layers, '')).toEqual({ gauges: false, stops: false });
  });

  test('a place goes to the address and back; what is none is passed over', () => {
    const place = { centre: [6.745, 51.447] as [number, number], zoom: 11.3 };
    expect(placeBy(describe(layers, { gauges: true }, place)['view'] ?? null)).toEqual(place);
    for (const wrong of [null, '', '1,2', 'a,b,c', '1,2,3,4', '200,0,3', '6,51,99']) {
      expect(placeBy(wrong), String(wrong)).toBeNull();
    }
  });

  test('the address says nothing of what is as at first', () => {
    expect(describe(layers, { gauges: true, stops: false }, null)).toEqual({});
    expect(describe(layers, { gauges: false, stops: false }, null)).toEqual({ layers: '' });
  });

  test('an address goes before what the browser kept', () => {
    expect(chosenParameters(new URLSearchParams(), 'layers=stops').get('layers')).toBe('stops');
    const linked = new URLSearchParams('view=6,51,9');
    expect(chosenParameters(linked, 'layers=stops').get('layers')).toBeNull();
  });
});
