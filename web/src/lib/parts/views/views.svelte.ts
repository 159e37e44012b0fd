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
  /** Moves when layers or icons are others: the map is built anew. */
  readonly drawn = $derived([this.layers, this.icons]);
  visible = $state<Record<string, boolean>>({});

  constructor(private readonly app: Pick<AppContext, 'client' | 'entityStore' | 'city' | 'registry'>) {
    this.loader = new LayerLoader(app.client, app.entityStore);
  }

  /** Takes the layers of the packs and of all parts, which are all open by then. */
  start(): void {
    this.take();
    this.loader.start(this.layers);
    void this.loadIcons();
  }

  /** Takes the layers and icons of a city that was reloaded; layers keep whether they are shown. */
  refresh(): void {
    this.take();
    this.loader.use(this.layers);
    void this.loadIcons();
  }

  private take(): void {
    this.layers = [...this.app.city.layers, ...this.app.registry.layers];
    this.visible = Object.fromEntries(
      this.layers.map((layer) => [layer.id, this.visible[layer.id] ?? layer.visible]),
    );
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
