// What the situation page holds: the layers, which of them are shown, and what loads them.

import { LayerLoader, type LayerView } from '$lib/api/layers.svelte';
import type { Layer } from '$lib/api/model';
import { IconSet, type Icon } from '$lib/map/shapes';
import type { AppContext } from '$lib/ui/context';
import { chosenParameters, describe, placeBy, visibleBy, type MapPlace } from './kept';

const KEPT = 'rhinecloud.view';

export class ViewStore {
  readonly loader: LayerLoader;
  layers = $state.raw<Layer[]>([]);
  /** Null until they are loaded. */
  icons = $state.raw<IconSet | null>(null);
  /** Moves when layers or icons are others: the map is built anew. */
  readonly drawn = $derived([this.layers, this.icons]);
  /** Where the map is; null: where the city begins. */
  place = $state.raw<MapPlace | null>(null);
  visible = $state<Record<string, boolean>>({});

  constructor(
    private readonly app: Pick<AppContext, 'client' | 'entityStore' | 'city' | 'registry' | 'router'>,
  ) {
    this.loader = new LayerLoader(app.client, app.entityStore);
  }

  /** Takes the layers of the packs and of all parts, which are all open by then. */
  start(): void {
    this.take();
    this.choose(chosenParameters(this.app.router.parameters, localStorage.getItem(KEPT)));
    this.loader.start(this.layers);
    void this.loadIcons();
  }

  /** Takes the layers and icons of a city that was reloaded; layers keep whether they are shown. */
  refresh(): void {
    this.take();
    this.loader.use(this.layers);
    void this.loadIcons();
  }

  /** Shows the layers and the place of a link. */
  choose(parameters: Pick<URLSearchParams, 'get'>): void {
    this.visible = visibleBy(this.layers, parameters.get('layers'));
    this.place = placeBy(parameters.get('view'));
  }

  /** Keeps what is shown, in the browser and in the address. */
  keep(): void {
    const said = describe(this.layers, this.visible, this.place);
    localStorage.setItem(KEPT, new URLSearchParams(said).toString());
    this.app.router.describe(said);
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
