// The clock of the screen: all ages are updated at the same moment.

export class Clock {
  now = $state.raw(new Date());
  private timer: ReturnType<typeof setInterval> | null = null;

  start(everyMs = 1000): void {
    this.timer = setInterval(() => (this.now = new Date()), everyMs);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
  }
}
