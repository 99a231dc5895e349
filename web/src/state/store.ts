// A reducer with subscribers, read synchronously: the stream needs the position
// of the frame it has just given, before any rendering.

import { useSyncExternalStore } from 'react';

export interface Store<S, A> {
  get(): S;
  dispatch(action: A): void;
  subscribe(f: () => void): () => void;
}

export function createStore<S, A>(reduce: (s: S, a: A) => S, initial: S): Store<S, A> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    dispatch(action) {
      const next = reduce(state, action);
      if (Object.is(next, state)) return;
      state = next;
      for (const f of [...listeners]) f();
    },
    subscribe(f) {
      listeners.add(f);
      return () => { listeners.delete(f); };
    },
  };
}

export const useStore = <S, A>(store: Store<S, A>): S => useSyncExternalStore(store.subscribe, store.get);
