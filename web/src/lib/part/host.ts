// What a page from elsewhere gets: the contract between the operations centre and modules that are not part of its build.
// docs/write-a-page.md describes it. A change that breaks modules raises the version.

import type { Asked, Client, Method } from '$lib/api/client';
import { linked } from '$lib/api/entities';
import type { Change } from '$lib/api/live';
import type { Role, Titled } from '$lib/api/model';
import type { Book, Language, Values } from '$lib/texts/texts.svelte';
import type { AppContext } from '$lib/ui/context';
import { formatMoment, formatValue } from '$lib/ui/format';
import type { IconName } from '$lib/ui/Icon.svelte';
import { link } from '$lib/ui/router.svelte';
import { KERN } from './kern';
import type { Title, WebPart } from './part';

export const HOST_VERSION = 1;

/** Fills an element; returns how to clear up. */
export type MountInto<Props> = (element: HTMLElement, props: Props) => (() => void) | void;

export interface HostPage {
  path: string;
  title: Titled;
  /** One of the screen's icons, or the path data of an outline in a box of 24. */
  icon?: IconName | { path: string };
  order?: number;
  /** The action of the city's policy that is needed; without it everyone may see the page. */
  action?: string;
  shows?: string[];
  mount: MountInto<{ id: string | undefined }>;
}

export interface HostSection {
  types: string[];
  order?: number;
  mount: MountInto<{ id: string }>;
}

export interface HostCard {
  order?: number;
  mount: MountInto<{ current: string | undefined }>;
}

export interface Host {
  version: number;
  api: {
    get<T>(path: string, query?: Record<string, string | number | boolean>): Promise<T>;
    post<T>(path: string, body?: unknown): Promise<T>;
    put<T>(path: string, body: unknown): Promise<T>;
    patch<T>(path: string, body: unknown): Promise<T>;
    delete<T>(path: string): Promise<T>;
  };
  actor: { id: string; name: string; roles: readonly Role[] };
  /** Whether the city's policy permits an action for something or other. */
  may(action: string): boolean;
  city: { name: string; timezone: string };
  language(): Language;
  /** Calls back after another language was chosen. */
  onLanguage(call: () => void): void;
  texts: {
    /** Adds texts in both languages; keys begin with the module's name and a dot. */
    add(books: Record<Language, Book>): void;
    say(key: string, values?: Values): string;
    type(name: string): string;
    attribute(name: string): string;
  };
  format: { value(value: unknown, unitCode?: string): string; moment(at: string): string };
  /** Calls back with the changes of entities of some types, wherever they are; returns how to stop. */
  onChanges(types: string[], call: (changes: Change[]) => void): () => void;
  go(path: string, id?: string): void;
  link(path: string, id?: string): string;
  /** The address of an entity, on the page that shows its type. */
  hrefOf(type: string, id: string): string;
  announce(tone: 'info' | 'success' | 'warning' | 'danger', text: string): void;
  /** Class names of KERN's components that the screen has. */
  kern: typeof KERN;
  addPage(page: HostPage): void;
  /** Adds a section below the attributes of entities. */
  addSection(section: HostSection): void;
  /** Adds a card to the overview beside the map. */
  addCard(card: HostCard): void;
}

/** The module's exports. */
export interface PageModule {
  hostVersion?: unknown;
  register?: unknown;
}

interface Listed {
  name: string;
  url: string;
}

/** Loads the modules that parts and packs bring; one that fails takes none of the others down. */
export async function loadModules(app: AppContext): Promise<void> {
  const listed = await app.client.get<Listed[]>('/api/v1/views/modules');
  const load = async ({ name, url }: Listed): Promise<void> => {
    try {
      const found = (await import(/* @vite-ignore */ new URL(url, document.baseURI).href)) as PageModule;
      app.registry.add([partOf(name, found, app)], app);
    } catch (cause) {
      console.error(`the module ${name} cannot be used`, cause);
      app.registry.failed(name, cause);
    }
  };
  await Promise.all(listed.map(load));
}

/** Lets a module register what it shows; raises an error where it is not made for this host. */
export function partOf(name: string, module: PageModule, app: AppContext): WebPart {
  if (module.hostVersion !== HOST_VERSION) {
    throw new Error(`it is made for version ${String(module.hostVersion)} of the host, not ${HOST_VERSION}`);
  }
  if (typeof module.register !== 'function') throw new Error('it exports no function register');
  const part: Required<Pick<WebPart, 'pages' | 'sections' | 'overview'>> & WebPart = {
    name,
    pages: [],
    sections: [],
    overview: [],
  };
  const languageCalls: (() => void)[] = [];
  part.languageChanged = () => languageCalls.forEach((call) => call());
  const register = module.register as (host: Host) => void;
  register(hostOf(name, app, part, languageCalls));
  return part;
}

/** Sends a request; NGSI-LD is spoken with the short names of the city's own context. */
async function request<T>(client: Client, method: Method, path: string, asked: Asked): Promise<T> {
  const headers = path.startsWith('/ngsi-ld/') ? linked() : {};
  const response = await client.send(method, path, { ...asked, headers });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

function hostOf(
  name: string,
  app: AppContext,
  part: Required<Pick<WebPart, 'pages' | 'sections' | 'overview'>>,
  languageCalls: (() => void)[],
): Host {
  const { client, texts, registry, router, announcer, clock } = app;
  return {
    version: HOST_VERSION,
    api: {
      get: (path, query) => request(client, 'GET', path, { query }),
      post: (path, body) => request(client, 'POST', path, { body }),
      put: (path, body) => request(client, 'PUT', path, { body }),
      patch: (path, body) => request(client, 'PATCH', path, { body }),
      delete: (path) => request(client, 'DELETE', path, {}),
    },
    actor: { id: app.actor.id, name: app.actor.name, roles: app.actor.roles },
    may: app.may,
    city: { name: app.city.name, timezone: app.city.timezone },
    language: () => texts.language,
    onLanguage: (call) => void languageCalls.push(call),
    texts: {
      add: (books) => {
        const foreign = [...Object.keys(books.de), ...Object.keys(books.en)].find(
          (key) => !key.startsWith(`${name}.`),
        );
        if (foreign) throw new Error(`the key ${foreign} must begin with "${name}."`);
        texts.add(books);
      },
      say: (key, values) => texts.title(key as Title, values),
      type: texts.type,
      attribute: texts.attribute,
    },
    format: {
      value: (value, unitCode) => formatValue(value, texts, clock.now, unitCode),
      moment: (at) => formatMoment(new Date(at), texts),
    },
    onChanges: (types, call) => app.entityStore.listenTo(types, call),
    go: (path, id) => router.go(path, id),
    link,
    hrefOf: (type, id) => registry.hrefOf(type, id),
    announce: (tone, text) => announcer.say(tone, text),
    kern: KERN,
    addPage: (page) => {
      if (registry.list('pages').some((each) => each.path === page.path)) {
        throw new Error(`there is a page ${page.path} already`);
      }
      const { mount, ...rest } = page;
      part.pages.push({
        icon: 'table',
        order: 70,
        ...rest,
        view: { mount: (element, { id }) => mount(element, { id }) },
      });
    },
    addSection: ({ mount, ...rest }) => {
      part.sections.push({
        order: 50,
        ...rest,
        view: { mount: (element, { id }) => mount(element, { id }) },
      });
    },
    addCard: ({ mount, ...rest }) => {
      part.overview.push({
        order: 50,
        ...rest,
        view: { mount: (element, { current }) => mount(element, { current }) },
      });
    },
  };
}
