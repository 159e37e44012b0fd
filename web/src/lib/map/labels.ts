// Names and values beside the signs: only of what is in view, none over another, no more than a person can read.

export interface Text {
  name: string;
  value: string;
}

/** A label that wants a place: which thing, where on the screen, how far from it, and how much it matters. */
export interface Wish extends Text {
  id: string;
  x: number;
  y: number;
  distance: number;
  order: number;
}

/** A label that has its place, relative to its thing. */
export interface Placed {
  picture: HTMLCanvasElement;
  dx: number;
  dy: number;
}

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export const MOST = 150;
const FAMILY = '"Fira Sans", sans-serif';
const NAME = `400 11px ${FAMILY}`;
const VALUE = `600 13px ${FAMILY}`;
const LINE = 15;
const HALO = 3;
const REMEMBERED = 2000;

export class Labels {
  private readonly pictures = new Map<string, HTMLCanvasElement>();

  constructor(
    private readonly ratio: number,
    private readonly color: string,
    private readonly halo: string,
  ) {}

  /** Gives the wishes their places, the weightiest first; who finds none is left out. */
  place(wishes: Wish[]): Map<string, Placed> {
    const taken: Box[] = [];
    const placed = new Map<string, Placed>();
    for (const wish of wishes.sort((a, b) => b.order - a.order)) {
      if (placed.size >= MOST) break;
      const picture = this.picture(wish);
      const [width, height] = [picture.width / this.ratio, picture.height / this.ratio];
      const spots = [
        [wish.distance, -height / 2],
        [-wish.distance - width, -height / 2],
        [-width / 2, wish.distance],
        [-width / 2, -wish.distance - height],
      ] as const;
      for (const [dx, dy] of spots) {
        const box = {
          left: wish.x + dx,
          top: wish.y + dy,
          right: wish.x + dx + width,
          bottom: wish.y + dy + height,
        };
        if (taken.some((other) => overlap(box, other))) continue;
        taken.push(box);
        placed.set(wish.id, { picture, dx, dy });
        break;
      }
    }
    return placed;
  }

  private picture({ name, value }: Text): HTMLCanvasElement {
    const key = `${name}\n${value}`;
    const known = this.pictures.get(key);
    if (known) return known;
    if (this.pictures.size > REMEMBERED) this.pictures.clear();
    const painted = this.paint([
      ...(name ? [[name, NAME] as const] : []),
      ...(value ? [[value, VALUE] as const] : []),
    ]);
    this.pictures.set(key, painted);
    return painted;
  }

  private paint(lines: (readonly [string, string])[]): HTMLCanvasElement {
    const picture = document.createElement('canvas');
    const pen = picture.getContext('2d');
    if (!pen) return picture;
    const widths = lines.map(([text, font]) => {
      pen.font = font;
      return pen.measureText(text).width;
    });
    picture.width = Math.ceil((Math.max(0, ...widths) + HALO * 2) * this.ratio);
    picture.height = Math.ceil((lines.length * LINE + HALO) * this.ratio);
    pen.scale(this.ratio, this.ratio);
    pen.lineJoin = 'round';
    pen.textBaseline = 'middle';
    lines.forEach(([text, font], index) => {
      pen.font = font;
      pen.strokeStyle = this.halo;
      pen.lineWidth = HALO;
      pen.strokeText(text, HALO, HALO / 2 + LINE * (index + 0.5));
      pen.fillStyle = this.color;
      pen.fillText(text, HALO, HALO / 2 + LINE * (index + 0.5));
    });
    return picture;
  }
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
