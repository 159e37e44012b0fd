// The two small programs that draw every point of the city: a vertex glides along its path, a fragment paints its sign.

import { COLUMNS, ROWS } from './shapes';

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
out vec2 v_place;
out vec2 v_turn;
flat out vec4 v_color;
flat out vec2 v_cells;

void main() {
  float part = a_time.y > 0.0 ? clamp((u_now - a_time.x) / a_time.y, 0.0, 1.0) : 1.0;
  vec4 clip = u_matrix * vec4(mix(a_path.xy, a_path.zw, part), 0.0, 1.0);
  float size = a_look.z * u_scale;
  gl_Position = clip + vec4(a_corner * size / u_viewport * clip.w, 0.0, 0.0);
  float angle = radians(mix(a_turn.x, a_turn.y, part));
  v_place = vec2(a_corner.x, -a_corner.y);
  v_turn = vec2(cos(angle), sin(angle));
  v_color = vec4(a_color.rgb, a_look.w / 255.0);
  v_cells = a_look.xy;
}`;

export const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D u_atlas;
uniform vec3 u_halo;
uniform vec3 u_glyph;
uniform float u_detail;
in vec2 v_place;
in vec2 v_turn;
flat in vec4 v_color;
flat in vec2 v_cells;
out vec4 color;

const vec2 GRID = vec2(${COLUMNS}.0, ${ROWS}.0);

vec4 sign(float cell, vec2 place) {
  vec2 corner = vec2(mod(cell, GRID.x), floor(cell / GRID.x));
  return texture(u_atlas, (corner + clamp(place * 0.5 + 0.5, 0.004, 0.996)) / GRID);
}

void main() {
  vec2 turned = vec2(v_place.x * v_turn.x + v_place.y * v_turn.y, v_place.y * v_turn.x - v_place.x * v_turn.y);
  vec4 body = any(greaterThan(abs(turned), vec2(1.0))) ? vec4(0.0) : sign(v_cells.x, turned);
  float glyph = sign(v_cells.y, v_place).r * u_detail;
  float hollow = mod(v_cells.x, 2.0);
  vec3 paint = mix(u_halo, v_color.rgb, body.r);
  paint = mix(paint, hollow > 0.5 ? v_color.rgb : u_glyph, glyph);
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
