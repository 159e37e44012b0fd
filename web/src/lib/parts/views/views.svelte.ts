// What the situation page holds: the layers, which of them are shown, and what loads them.

import { LayerLoader, type LayerView } from '$lib/api/layers.svelte';
import type { Layer } from '$lib/api/model';
import { IconSet, type Icon } from '$lib/map/shapes';
import type { AppContext } from '$lib/ui/context';

export class ViewStore {
  readonly loader: LayerLoader;
  layers = $state.raw<Layer[]>([]);
  /** Null until they are loaded. */
  icons = $state.raw<IconSet | null>(null);
  visible = $state<Record<string, boolean>>({});

  constructor(private readonly app: Pick<AppContext, 'client' | 'entityStore' | 'city' | 'registry'>) {
    this.loader = new LayerLoader(app.client, app.entityStore);
  }

  /** Takes the layers of the packs and of all parts, which are all open by then. */
  start(): void {
    this.layers = [...this.app.city.layers, ...this.app.registry.layers];
    this.visible = Object.fromEntries(this.layers.map((layer) => [layer.id, layer.visible]));
    this.loader.start(this.layers);
    void this.loadIcons();
  }

  private async loadIcons(): Promise<void> {
    try {
      this.icons = new IconSet(await this.app.client.get<Icon[]>('/api/v1/views/icons'));
    } catch (problem) {
      console.error(problem);
      this.icons = new IconSet([]);
    }
  }

  /** Loads what is in view; null: no map is shown. */
  show(view: Omit<LayerView, 'visible'> | null): void {
    this.loader.show(view && { ...view, visible: this.visible });
  }
}
