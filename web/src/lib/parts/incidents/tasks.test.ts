import { describe, expect, test } from 'vitest';
import type { Task } from '$lib/api/model';
import { byDueTime, isOverdue } from './tasks';

const task = (id: string, status: Task['status'], due_at: string | null): Task =>
  ({ id, status, due_at }) as Task;
const now = new Date('2026-11-22T12:00:00Z');

describe('tasks', () => {
  test('are overdue after their time unless they are done or cancelled', () => {
    expect(isOverdue(task('a', 'open', '2026-11-22T11:59:00Z'), now)).toBe(true);
    expect(isOverdue(task('a', 'in_progress', '2026-11-22T12:59:00+02:00'), now)).toBe(true);
    expect(isOverdue(task('a', 'open', '2026-11-22T12:01:00Z'), now)).toBe(false);
    expect(isOverdue(task('a', 'done', '2026-11-22T11:00:00Z'), now)).toBe(false);
    expect(isOverdue(task('a', 'cancelled', '2026-11-22T11:00:00Z'), now)).toBe(false);
    expect(isOverdue(task('a', 'open', null), now)).toBe(false);
  });

  test('stand with the pending ones first, the soonest due on top', () => {
    const tasks = [
      task('done', 'done', '2026-11-22T01:00:00Z'),
      task('whenever', 'open', null),
      task('late', 'open', '2026-11-22T15:00:00Z'),
      task('soon', 'in_progress', '2026-11-22T13:00:00Z'),
      task('also', 'open', null),
    ];
    expect(byDueTime(tasks).map((each) => each.id)).toEqual(['soon', 'late', 'whenever', 'also', 'done']);
  });
});
