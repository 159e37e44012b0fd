// Notices: shown for a while, and announced to screen readers.

export interface Notice {
  id: number;
  tone: 'info' | 'success' | 'warning' | 'danger';
  text: string;
  href?: string;
}

const SHOWN_MS = 8000;
const AT_ONCE = 4;

export class Announcer {
  notices = $state<Notice[]>([]);
  private next = 1;

  say(tone: Notice['tone'], text: string, href?: string): void {
    const notice: Notice = { id: this.next++, tone, text, ...(href ? { href } : {}) };
    this.notices = [...this.notices, notice].slice(-AT_ONCE);
    setTimeout(() => this.dismiss(notice.id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id);
  }
}
