// Many causes in a row, one effect: at once when it was quiet, then at most once a pause.

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
