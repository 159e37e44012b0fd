// Light or dark theme: the system preference, unless the user chose one.

export type Shade = 'light' | 'dark';
export type Choice = Shade | 'system';

const KEPT = 'rhinecloud.theme';

export class Theme {
  choice = $state<Choice>('system');
  private system = $state<Shade>('light');

  constructor(
    private readonly memory: Pick<Storage, 'getItem' | 'setItem'>,
    query: MediaQueryList,
  ) {
    const kept = memory.getItem(KEPT);
    if (kept === 'light' || kept === 'dark') this.choice = kept;
    this.system = query.matches ? 'dark' : 'light';
    query.addEventListener('change', (event) => (this.system = event.matches ? 'dark' : 'light'));
  }

  get shade(): Shade {
    return this.choice === 'system' ? this.system : this.choice;
  }

  use(choice: Choice): void {
    this.choice = choice;
    this.memory.setItem(KEPT, choice);
  }
}
