// The instrument's engine: takes the values of sources, and moves parameters by its mappings, at once or smoothly.
(() => {
  const T = window.Twofold;

  const TOUCHED = 0.04; // how far a source moves before it counts as touched

  // A new engine.
  T.instrumentEngine = () => {
    const values = new Map(); // by source: its value, 0 to 1
    const pollers = new Set(); // functions of the time, called at each frame: they put values
    let plays = []; // { mapping, current, target }: both are null until it has moved
    let learning = null; // { rest: values by source when it began, found }
    let frame = null;
    let before = 0; // time of the last frame

    const apply = (play) => {
      const { mapping, target } = play;
      play.current = target;
      T.parameters.move(mapping.parameter, target);
    };
    const aim = (play, value) => {
      const target = T.mapping.valueOf(play.mapping, value);
      if (target === play.target) return;
      const resting = !moving(play); // others may have moved the parameter since
      play.target = target;
      if (play.mapping.smoothing === 0) apply(play);
      else if (resting) play.current = T.parameters.find(play.mapping.parameter)?.get() ?? target;
      wake();
    };
    const moving = ({ mapping, current, target }) => mapping.smoothing > 0 && target !== null && current !== target;
    const tick = (now) => {
      frame = null;
      const dt = Math.min(100, Math.max(0, now - before));
      before = now;
      for (const poll of pollers) poll(now);
      for (const play of plays.filter(moving)) {
        const { mapping, current, target } = play;
        const next = T.mapping.smoothed(current, target, dt, mapping.smoothing);
        play.current = T.mapping.arrived(next, target, mapping) ? target : next;
        T.parameters.move(mapping.parameter, play.current);
      }
      wake();
    };
    // Frames are asked for only while something moves or is polled.
    const wake = () => {
      if (frame !== null || !(pollers.size || plays.some(moving))) return;
      if (performance.now() - before > 100) before = performance.now();
      frame = requestAnimationFrame(tick);
    };
    const touched = (source, value) => {
      const { rest, found } = learning;
      if (!rest.has(source)) rest.set(source, /^(note|button):/.test(source) ? 0 : value);
      if (Math.abs(value - rest.get(source)) < TOUCHED) return;
      learning = null;
      found(source);
    };

    return {
      values,
      get mappings() {
        return plays.map(({ mapping }) => mapping);
      },
      set mappings(list) {
        plays = list.map((mapping) => ({ mapping, current: null, target: null }));
      },
      // What a source says now. `learnable`: whether moving it tells that it is meant.
      put(source, value, learnable = true) {
        const is = Math.min(1, Math.max(0, value));
        values.set(source, is);
        if (learning && learnable) touched(source, is);
        for (const play of plays) if (play.mapping.source === source) aim(play, is);
      },
      // Calls found(source) for the next source that is touched; null gives up.
      learn(found) {
        learning = found && { rest: new Map(), found };
      },
      // Whether somebody wants to know a source that costs something to follow.
      wants: (source) => Boolean(learning) || plays.some(({ mapping }) => mapping.source === source),
      poll(poller) {
        pollers.add(poller);
        wake();
      },
      unpoll: (poller) => pollers.delete(poller),
    };
  };
})();
