// Makes an element that scrolls sideways reachable by keyboard, and one that does not scroll no tab stop.

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
