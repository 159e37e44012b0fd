// Runs an effect at once after a quiet time, then at most once per interval.

export function gather(pause_ms: number, effect: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let again = false;
  const run = () => {
    effect();
    timer = setTimeout(() => {
      timer = null;
      if (again) {
        again = false;
        run();
      }
    }, pause_ms);
  };
  return () => {
    if (timer) again = true;
    else run();
  };
}
