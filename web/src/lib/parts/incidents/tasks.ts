// What the screen says about tasks: which are late, and in which order they stand. Pure.

import type { Task } from '$lib/api/model';

const PENDING = ['open', 'in_progress'];

export function isPending(task: Pick<Task, 'status'>): boolean {
  return PENDING.includes(task.status);
}

/** A task that is neither done nor cancelled after its due time. */
export function isOverdue(task: Pick<Task, 'status' | 'due_at'>, now: Date): boolean {
  return isPending(task) && task.due_at !== null && Date.parse(task.due_at) < now.getTime();
}

/** Pending tasks first, those due soonest on top; the others as they came. */
export function byDueTime(tasks: readonly Task[]): Task[] {
  const due = (task: Task) => (task.due_at === null ? Infinity : Date.parse(task.due_at));
  const order = (a: Task, b: Task) =>
    Number(isPending(b)) - Number(isPending(a)) || (isPending(a) && due(a) !== due(b) ? due(a) - due(b) : 0);
  return tasks.toSorted(order);
}
