// Answers may overtake each other: only the last question's answer counts.

export class LatestRequest {
  private last = 0;

  /** Begins a question; the result tells whether no later one has begun since. */
  begin(): () => boolean {
    const mine = ++this.last;
    return () => mine === this.last;
  }
}
