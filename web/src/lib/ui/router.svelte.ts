// The current page and id, kept in the address after `#`: any static server will do, and every view has a link.

export class Router {
  path = $state('/');

  start(): () => void {
    const read = () => (this.path = decodeURI(location.hash.slice(1)) || '/');
    read();
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }

  get page(): string {
    return this.segments[0] ?? '';
  }

  /** The rest of the path: an id may hold anything but is one encoded segment. */
  get id(): string | undefined {
    const segment = this.segments[1];
    return segment === undefined ? undefined : decodeURIComponent(segment);
  }

  go(page: string, id?: string): void {
    this.follow(link(page, id));
  }

  /** Goes to an address as `link` makes it. */
  follow(href: string): void {
    location.hash = href.slice(1);
  }

  private get segments(): string[] {
    return this.path.split('/').filter(Boolean);
  }
}

export function link(page: string, id?: string): string {
  return id === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;
}
