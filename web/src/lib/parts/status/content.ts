// The content of a dead letter for display: text where it is text, else hexadecimal numbers.

export interface Shown {
  text: string;
  /** It is no text: the bytes as hexadecimal numbers. */
  binary: boolean;
}

/** At most so much of it is shown. */
const MOST_BYTES = 4096;
const BYTES_A_LINE = 16;

/** Reads content that came in base64. */
export function readContent(base64: string): Shown {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const part = bytes.subarray(0, MOST_BYTES);
  const rest = bytes.length > MOST_BYTES ? '\n…' : '';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(part, { stream: true });
    if (!/[\u0000-\u0008\u000e-\u001f]/.test(text)) return { text: tidy(text, !rest) + rest, binary: false };
  } catch {
    // Not UTF-8: shown as numbers below.
  }
  const lines: string[] = [];
  for (let at = 0; at < part.length; at += BYTES_A_LINE) {
    const line = [...part.subarray(at, at + BYTES_A_LINE)].map((byte) => byte.toString(16).padStart(2, '0'));
    lines.push(line.join(' '));
  }
  return { text: lines.join('\n') + rest, binary: true };
}

/** JSON is set out in lines; anything else stays as it came. */
function tidy(text: string, whole: boolean): string {
  if (!whole || !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
