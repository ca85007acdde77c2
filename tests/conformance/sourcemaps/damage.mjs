// What a build does wrong to its maps. Each gets the files of a tree and gives those that it changes, and
// the scripts that must be named; nothing where the tree has none to harm.
const SCRIPT = /\.[cm]?js$/;
// A map of a few places cannot be told from another.
const ENOUGH = 60;

// The scripts with a map beside them that has enough places, the largest first.
function harmable(files) {
  const scripts = [...files.keys()].filter((file) => SCRIPT.test(file) && files.has(`${file}.map`));
  const maps = scripts.map((file) => ({ file, json: JSON.parse(files.get(`${file}.map`).toString('utf8')) }));
  return maps.filter(({ json }) => json.mappings.split(/[,;]+/).length > ENOUGH).sort((one, other) => other.json.mappings.length - one.json.mappings.length);
}

// Scripts that have most of their names in common: the map of either fits the words of both.
function areAlike(one, other) {
  const names = new Set(one.json.names);
  const shared = other.json.names.filter((name) => names.has(name)).length;
  return shared > 0.6 * Math.min(names.size, other.json.names.length);
}

const changed = (...maps) => ({
  files: new Map(maps.map(({ file, json }) => [`${file}.map`, Buffer.from(JSON.stringify(json))])),
  named: maps.map(({ file }) => file),
});

export const DAMAGES = {
  'maps swapped between two scripts'(files) {
    const all = harmable(files);
    const pairs = all.flatMap((one, at) => all.slice(at + 1).map((other) => [one, other]));
    const [one, other] = pairs.find((pair) => !areAlike(...pair)) ?? [];
    return other && changed({ file: one.file, json: other.json }, { file: other.file, json: one.json });
  },
  'an emptied map'(files) {
    const [one] = harmable(files);
    return one && changed({ file: one.file, json: { ...one.json, mappings: '' } });
  },
  'a map of a script with another head'(files) {
    const [one] = harmable(files);
    return one && changed({ file: one.file, json: { ...one.json, mappings: `;;${one.json.mappings}` } });
  },
  'the text of another source'(files) {
    const [one] = harmable(files).filter(({ json }) => json.sourcesContent?.filter(Boolean).length > 1);
    if (!one) return undefined;
    const texts = one.json.sourcesContent;
    return changed({ file: one.file, json: { ...one.json, sourcesContent: [...texts.slice(1), texts[0]] } });
  },
  'the text of the compiled source'(files) {
    const [one] = harmable(files).filter(({ json }) => json.sourcesContent?.some(Boolean));
    // As when a loader in the chain passes no map on.
    const shorten = (text) => text && text.split('\n').filter((line) => line.trim()).slice(0, 3).join('\n');
    return one && changed({ file: one.file, json: { ...one.json, sourcesContent: one.json.sourcesContent.map(shorten) } });
  },
};
