// The current page and id, kept in the address after `#`: any static server will do, and every view has a link. What a
// page shows, such as the view of a map, stands after `?` there.

export class Router {
  path = $state('/');
  /** What the address says of the page's view; a page that changes its view writes it with `describe`. */
  parameters = $state.raw(new URLSearchParams());

  start(): () => void {
    const read = () => {
      this.path = pathInAddress();
      this.parameters = new URLSearchParams(location.hash.split('?')[1] ?? '');
    };
    read();
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }

  get page(): string {
    return decode(this.segments[0] ?? '');
  }

  /** The rest of the path: an id may hold anything but is one encoded segment. */
  get id(): string | undefined {
    const segment = this.segments[1];
    return segment === undefined ? undefined : decode(segment);
  }

  go(page: string, id?: string): void {
    this.follow(link(page, id));
  }

  /** Goes to an address as `link` makes it. */
  follow(href: string): void {
    location.hash = href.slice(1);
  }

  /**
   * Writes into the address what the page shows, so that it can be linked; nothing is loaded. Where the address leads
   * elsewhere already, and the event that says so is still to come, it is left alone.
   */
  describe(parameters: Record<string, string>): void {
    if (pathInAddress() !== this.path) return;
    const query = Object.entries(parameters)
      .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2C/g, ',')}`)
      .join('&');
    history.replaceState(history.state, '', `#${this.path}${query ? `?${query}` : ''}`);
  }

  private get segments(): string[] {
    return this.path.split('/').filter(Boolean);
  }
}

function pathInAddress(): string {
  return location.hash.slice(1).split('?')[0] || '/';
}

/** An address that somebody wrote may not be encoded; it is taken as it is. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function link(page: string, id?: string): string {
  return id === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;
}
