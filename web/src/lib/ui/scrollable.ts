// What scrolls sideways must be reachable by keyboard; what does not scroll must not be a stop on the way.

export function scrollable(element: HTMLElement): { destroy(): void } {
  const judge = () => {
    const overflows =
      element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight;
    if (overflows) element.tabIndex = 0;
    else element.removeAttribute('tabindex');
  };
  const observer = new ResizeObserver(judge);
  observer.observe(element);
  for (const child of element.children) observer.observe(child);
  judge();
  return { destroy: () => observer.disconnect() };
}
