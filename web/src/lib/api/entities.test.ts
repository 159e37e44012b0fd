import { describe, expect, test } from 'vitest';
import { Client } from './client';
import { content, instances, learnUnits, listEntities } from './entities';
import { Problem } from './problem';

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

describe('entities', () => {
  test('a type is read page after page with the city’s context named', async () => {
    const asked: { url: string; link: string }[] = [];
    const client = new Client('', undefined, (input, init) => {
      asked.push({ url: String(input), link: new Headers(init?.headers).get('Link') ?? '' });
      return Promise.resolve(
        json(asked.length === 1 ? Array(1000).fill({ id: 'a', type: 'T' }) : [{ id: 'b', type: 'T' }]),
      );
    });
    let count = 0;
    for await (const page of listEntities(client, { types: ['Vessel'] }, 5000)) count += page.length;
    expect(count).toBe(1001);
    expect(asked.map((each) => new URLSearchParams(each.url.split('?')[1]).get('offset'))).toEqual([
      '0',
      '1000',
    ]);
    expect(asked[0]?.link).toContain(
      '/ngsi-ld/v1/jsonldContexts/city>; rel="http://www.w3.org/ns/json-ld#context"',
    );
  });

  test('units are learnt from whichever entity names them', async () => {
    const client = new Client('', undefined, () =>
      Promise.resolve(
        json([
          { id: 'a', type: 'T', level: 3 },
          { id: 'b', type: 'T', level: { value: 4, unitCode: 'CMT' } },
        ]),
      ),
    );
    expect(await learnUnits(client, 'T')).toEqual({ level: 'CMT' });
  });

  test('an attribute’s instances are found in every form that concise allows', () => {
    expect(instances(5)).toEqual([{ value: 5 }]);
    expect(instances([1, 2])).toEqual([{ value: [1, 2] }]);
    expect(instances({ value: 5, unitCode: 'CMT' })).toEqual([{ value: 5, unitCode: 'CMT' }]);
    expect(instances([{ value: 1 }, { value: 2, datasetId: 'urn:x' }])).toHaveLength(2);
    expect(instances({ type: 'Point', coordinates: [1, 2] })).toEqual([
      { value: { type: 'Point', coordinates: [1, 2] } },
    ]);
    expect(content({ object: 'urn:ngsi-ld:A:1' })).toBe('urn:ngsi-ld:A:1');
    expect(content({ languageMap: { de: 'Hallo' } })).toEqual({ languageMap: { de: 'Hallo' } });
  });
});

describe('the client', () => {
  test('a refusal carries what the city says of it', async () => {
    const client = new Client('', undefined, () =>
      Promise.resolve(json({ title: 'Conflict', detail: 'it has changed', status: 409, version: 7 }, 409)),
    );
    const problem = await client.post('/api/v1/incidents/x/start', {}).catch((cause: unknown) => cause);
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ isConflict: true, detail: 'it has changed', members: { version: 7 } });
  });

  test('a session that ended is reported, except while signing in', async () => {
    let reported = 0;
    const client = new Client(
      '',
      () => (reported += 1),
      () => Promise.resolve(json({ title: 'no' }, 401)),
    );
    await client.get('/api/v1/session').catch(() => {});
    expect(reported).toBe(0);
    await client.get('/api/v1/alerts').catch(() => {});
    expect(reported).toBe(1);
  });

  test('a city that cannot be reached is a problem like any other', async () => {
    const client = new Client('', undefined, () => Promise.reject(new TypeError('no route')));
    await expect(client.get('/api/v1/city')).rejects.toMatchObject({ status: 0, detail: 'no route' });
  });
});
