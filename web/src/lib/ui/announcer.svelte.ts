// Notices: shown for a while, or until somebody has seen them, and announced to screen readers.

export interface Notice {
  id: number;
  tone: 'info' | 'success' | 'warning' | 'danger';
  text: string;
  href?: string;
  /** Whether it is shown until it is closed, or what it is about is opened. */
  stays: boolean;
}

const SHOWN_MS = 8000;
/** Of those that pass, so many are shown at a time. */
const AT_ONCE = 4;
/** Of those that stay, so many are kept; the pages show all. */
const MOST_STAYING = 20;

export class Announcer {
  notices = $state<Notice[]>([]);
  private next = 1;

  say(tone: Notice['tone'], text: string, more: { href?: string; stays?: boolean } = {}): void {
    const notice: Notice = { id: this.next++, tone, text, stays: false, ...more };
    const all = [...this.notices, notice];
    const kept = new Set([
      ...all.filter((each) => each.stays).slice(-MOST_STAYING),
      ...all.filter((each) => !each.stays).slice(-AT_ONCE),
    ]);
    this.notices = all.filter((each) => kept.has(each));
    if (!notice.stays) setTimeout(() => this.dismiss(notice.id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id);
  }

  /** Drops the notices that lead to an address, which somebody has opened. */
  seen(href: string): void {
    if (this.notices.some((notice) => notice.href === href)) {
      this.notices = this.notices.filter((notice) => notice.href !== href);
    }
  }
}
