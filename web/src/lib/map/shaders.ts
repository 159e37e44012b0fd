// The two small programs that draw every point of the city: a vertex glides along its path, a fragment paints its sign.

import { COLUMNS, EXTENTS, ROWS } from './shapes';

export const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform vec2 u_viewport;
uniform float u_now;
uniform float u_scale;
in vec2 a_corner;
in vec4 a_path;
in vec2 a_time;
in vec2 a_turn;
in vec4 a_color;
in vec4 a_look;
out vec2 v_body;
out vec2 v_upright;
flat out vec4 v_color;
flat out vec2 v_cells;

// How far each body reaches from its middle: the smaller the rectangle, the fewer pixels to paint.
const vec2 EXTENTS[${EXTENTS.length}] = vec2[](${EXTENTS.map(([x, y]) => `vec2(${x.toFixed(2)}, ${y.toFixed(2)})`).join(', ')});

void main() {
  float part = a_time.y > 0.0 ? clamp((u_now - a_time.x) / a_time.y, 0.0, 1.0) : 1.0;
  vec4 clip = u_matrix * vec4(mix(a_path.xy, a_path.zw, part), 0.0, 1.0);
  float size = a_look.z * u_scale;
  float angle = radians(mix(a_turn.x, a_turn.y, part));
  vec2 turn = vec2(cos(angle), sin(angle));
  v_body = vec2(a_corner.x, -a_corner.y) * EXTENTS[int(a_look.x) / 2];
  v_upright = vec2(v_body.x * turn.x - v_body.y * turn.y, v_body.x * turn.y + v_body.y * turn.x);
  gl_Position = clip + vec4(vec2(v_upright.x, -v_upright.y) * size / u_viewport * clip.w, 0.0, 0.0);
  v_color = vec4(a_color.rgb, a_look.w / 255.0);
  v_cells = a_look.xy;
}`;

export const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D u_atlas;
uniform vec3 u_halo;
uniform vec3 u_glyph;
uniform float u_detail;
uniform float u_lift;
in vec2 v_body;
in vec2 v_upright;
flat in vec4 v_color;
flat in vec2 v_cells;
out vec4 color;

const vec2 GRID = vec2(${COLUMNS}.0, ${ROWS}.0);

vec4 cell(float number, vec2 place) {
  vec2 corner = vec2(mod(number, GRID.x), floor(number / GRID.x));
  return texture(u_atlas, (corner + clamp(place * 0.5 + 0.5, 0.004, 0.996)) / GRID);
}

void main() {
  vec4 body = cell(v_cells.x, v_body);
  float glyph = u_detail > 0.0 ? cell(v_cells.y, v_upright).r * u_detail : 0.0;
  float hollow = mod(v_cells.x, 2.0);
  vec3 own = mix(v_color.rgb, vec3(1.0), u_lift);
  vec3 paint = mix(u_halo, own, body.r);
  paint = mix(paint, hollow > 0.5 ? own : u_glyph, glyph);
  float alpha = max(body.g, body.r) * v_color.a;
  color = vec4(paint * alpha, alpha);
}`;

export function buildProgram(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error('the graphics context is lost');
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) ?? 'the map program does not link');
  }
  return program;
}
