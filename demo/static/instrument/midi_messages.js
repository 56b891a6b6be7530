// MIDI messages as sources (MIDI 1.0, channel voice messages).
(() => {
  const T = window.Twofold;

  const FIRST_MODE = 120; // controls from here on are commands to a synthesiser

  // What a message moves: [[source, value], …], the most particular first; empty where it moves nothing. bytes: its data.
  T.midiSources = (bytes) => {
    if (!bytes || bytes.length < 2) return [];
    const [status, one, two = 0] = bytes;
    const channel = (status & 0x0f) + 1;
    if (one > 127 || two > 127) return [];
    switch (status & 0xf0) {
      case 0x80:
        return [[`note:${channel}:${one}`, 0]];
      case 0x90: // without a velocity it is the end of a note
        return bytes.length < 3 ? [] : [[`note:${channel}:${one}`, two / 127], ...(two ? [[`keys:${channel}`, one / 127]] : [])];
      case 0xa0:
        return [[`pressure:${channel}`, two / 127]];
      case 0xb0:
        return one < FIRST_MODE && bytes.length > 2 ? [[`cc:${channel}:${one}`, two / 127]] : [];
      case 0xd0:
        return [[`pressure:${channel}`, one / 127]];
      case 0xe0:
        return bytes.length < 3 ? [] : [[`bend:${channel}`, ((two << 7) | one) / 16_383]];
      default:
        return [];
    }
  };
})();
