// Draws a flock on the map in one call a frame: five thousand ships cost as much as five.

import type { CustomLayerInterface, CustomRenderMethodInput, Map } from 'maplibre-gl';
import { STRIDE, type Flock } from './flock';
import { buildProgram } from './shaders';
import { drawAtlas } from './shapes';
import { rgb } from './drawing';

/** Gliding is repainted thirty times a second where the machine can; one that paints slowly gets as long a rest. */
const FRAME_MS = 33;
const LONGEST_REST_MS = 300;
/** Below this zoom signs are too small for a glyph. */
const DETAIL_ZOOM = 10.5;

type Uniform =
  'u_matrix' | 'u_viewport' | 'u_now' | 'u_scale' | 'u_halo' | 'u_glyph' | 'u_detail' | 'u_lift' | 'u_atlas';
const UNIFORMS: Uniform[] = [
  'u_matrix',
  'u_viewport',
  'u_now',
  'u_scale',
  'u_halo',
  'u_glyph',
  'u_detail',
  'u_lift',
  'u_atlas',
];

export class Fleet implements CustomLayerInterface {
  readonly type = 'custom' as const;
  readonly renderingMode = '2d' as const;
  visible = true;
  minZoom = 0;
  halo = '#ffffff';
  /** How much lighter than its layer says a sign is painted, 0 to 1: on a dark map. */
  lift = 0;
  private map: Map | null = null;
  private program: WebGLProgram | null = null;
  private array: WebGLVertexArrayObject | null = null;
  private buffer: WebGLBuffer | null = null;
  private atlas: WebGLTexture | null = null;
  private uniforms = {} as Record<Uniform, WebGLUniformLocation | null>;
  private capacity = 0;
  private nextFrame: ReturnType<typeof setTimeout> | null = null;
  private askedAt = 0;
  private rest_ms = FRAME_MS;

  constructor(
    readonly id: string,
    readonly flock: Flock,
  ) {}

  onAdd(map: Map, context: WebGLRenderingContext | WebGL2RenderingContext): void {
    const gl = context as WebGL2RenderingContext;
    this.map = map;
    const program = (this.program = buildProgram(gl));
    for (const name of UNIFORMS) this.uniforms[name] = gl.getUniformLocation(program, name);
    this.array = gl.createVertexArray();
    this.buffer = gl.createBuffer();
    this.atlas = upload(gl, drawAtlas());
    this.capacity = 0;
    this.layOut(gl, program);
    this.flock.stale = true;
  }

  onRemove(_map: Map, context: WebGLRenderingContext | WebGL2RenderingContext): void {
    const gl = context as WebGL2RenderingContext;
    if (this.nextFrame) clearTimeout(this.nextFrame);
    gl.deleteBuffer(this.buffer);
    gl.deleteTexture(this.atlas);
    gl.deleteVertexArray(this.array);
    gl.deleteProgram(this.program);
  }

  render(context: WebGLRenderingContext | WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    const gl = context as WebGL2RenderingContext;
    const map = this.map;
    if (!map || !this.visible || !this.flock.count || map.getZoom() < this.minZoom) return;
    const now_ms = performance.now();
    const now = this.flock.time(now_ms);
    this.pace(now_ms);
    gl.useProgram(this.program);
    gl.bindVertexArray(this.array);
    this.refresh(gl);
    this.setUniforms(gl, map, input, now);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.flock.count);
    gl.bindVertexArray(null);
    if (now < this.flock.movingUntil) this.requestFrame(map);
  }

  /** How large a sign of `size` is drawn, as a factor. */
  scale(zoom: number): number {
    return Math.min(1, Math.max(0.42, 0.42 + (zoom - 9) * 0.16));
  }

  private requestFrame(map: Map): void {
    if (this.nextFrame) return;
    this.nextFrame = setTimeout(() => {
      this.nextFrame = null;
      this.askedAt = performance.now();
      map.triggerRepaint();
    }, this.rest_ms);
  }

  /** How long a frame took to come after it was asked for tells how hard the machine finds it. */
  private pace(now_ms: number): void {
    if (!this.askedAt) return;
    const took = now_ms - this.askedAt;
    this.askedAt = 0;
    this.rest_ms = Math.min(LONGEST_REST_MS, Math.max(FRAME_MS, (this.rest_ms + took) / 2));
  }

  private refresh(gl: WebGL2RenderingContext): void {
    if (!this.flock.stale) return;
    this.flock.stale = false;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    if (this.capacity < this.flock.bytes.byteLength) {
      this.capacity = this.flock.bytes.byteLength;
      gl.bufferData(gl.ARRAY_BUFFER, this.flock.bytes, gl.DYNAMIC_DRAW);
    } else {
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, new Uint8Array(this.flock.bytes, 0, this.flock.count * STRIDE));
    }
  }

  private setUniforms(
    gl: WebGL2RenderingContext,
    map: Map,
    input: CustomRenderMethodInput,
    now: number,
  ): void {
    const ratio = gl.drawingBufferWidth / Math.max(1, map.getCanvas().clientWidth);
    const zoom = map.getZoom();
    gl.uniformMatrix4fv(
      this.uniforms.u_matrix,
      false,
      shift(input.defaultProjectionData.mainMatrix as ArrayLike<number>, this.flock.origin),
    );
    gl.uniform2f(this.uniforms.u_viewport, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.uniform1f(this.uniforms.u_now, now);
    gl.uniform1f(this.uniforms.u_scale, this.scale(zoom) * ratio);
    gl.uniform3fv(
      this.uniforms.u_halo,
      rgb(this.halo).map((byte) => byte / 255),
    );
    gl.uniform3f(this.uniforms.u_glyph, 1, 1, 1);
    gl.uniform1f(this.uniforms.u_detail, Math.min(1, Math.max(0, (zoom - DETAIL_ZOOM) * 2)));
    gl.uniform1f(this.uniforms.u_lift, this.lift);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.atlas);
    gl.uniform1i(this.uniforms.u_atlas, 0);
  }

  private layOut(gl: WebGL2RenderingContext, program: WebGLProgram): void {
    gl.bindVertexArray(this.array);
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, 'a_corner');
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    const attribute = (name: string, size: number, kind: number, normalized: boolean, offset: number) => {
      const place = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, size, kind, normalized, STRIDE, offset);
      gl.vertexAttribDivisor(place, 1);
    };
    attribute('a_path', 4, gl.FLOAT, false, 0);
    attribute('a_time', 2, gl.FLOAT, false, 16);
    attribute('a_turn', 2, gl.FLOAT, false, 24);
    attribute('a_color', 4, gl.UNSIGNED_BYTE, true, 32);
    attribute('a_look', 4, gl.UNSIGNED_BYTE, false, 36);
    gl.bindVertexArray(null);
  }
}

/** The matrix for coordinates that count from `origin`: multiplied in 64 bits, before it is cut to 32. */
function shift(matrix: ArrayLike<number>, [x, y]: [number, number]): Float32Array {
  const shifted = Float32Array.from(matrix);
  for (let row = 0; row < 4; row += 1) {
    shifted[12 + row] = (matrix[row] ?? 0) * x + (matrix[4 + row] ?? 0) * y + (matrix[12 + row] ?? 0);
  }
  return shifted;
}

function upload(gl: WebGL2RenderingContext, canvas: HTMLCanvasElement): WebGLTexture | null {
  const texture = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return texture;
}
