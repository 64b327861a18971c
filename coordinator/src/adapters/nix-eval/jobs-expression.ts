/**
 * The one Nix expression behind both evaluators: what of a flake is a job. It is embedded, so that source and build
 * run the same text. It speaks in `builtins.trace` lines that start with a mark made for one process; flake code
 * cannot see the expression, so it cannot forge them.
 *
 * A line is `MARK word rest`. `begin PATH` comes before anything of PATH is looked at, so that whatever ends the
 * process names its attribute; then at most one of `job JSON`, `caught`, `odd SENTENCE`. `long PATH` and `deep PATH` stand for
 * what is not looked at; `end` closes the walk. What was found of one attribute is written together with the line that
 * comes next, half as many writes and reads; nothing is evaluated between the two.
 * Names and texts travel escaped (%XX for control characters, `%` and `/`): Nix's loggers drop or expand control
 * characters, and toJSON of newer versions fails on what is not UTF-8.
 */

// Comments stay out of the text: the repl takes it as one line.
const JOBS = `
{ flake, systems, kinds, mark, after, skip, backward, share, shares }:
let
  inherit (builtins) attrNames elem elemAt foldl' fromJSON genList getAttr filter hasAttr
    isAttrs isList isString length lessThan listToAttrs replaceStrings seq deepSeq stringLength substring toJSON trace tryEval typeOf;

  escape = replaceStrings
    (CONTROL ++ [ "%" "/" ])
    (CONTROL_ESCAPED ++ [ "%25" "%2F" ]);
  line = word: rest: "\${mark} \${word} \${rest}";
  say = word: rest: trace (line word rest);
  later = word: rest: "\${mark} \${word} \${rest}\\ntrace: ";
  drop = n: list: genList (i: elemAt list (i + n)) (length list - n);

  isDerivation = value: isAttrs value && value.type or null == "derivation";
  asText = limit: value:
    if isString value && stringLength value <= limit then value else null;
  soft = value: let tried = tryEval value; in if tried.success then tried.value else null;

  features = drv:
    let raw = drv.requiredSystemFeatures or [ ]; in
    if isString raw then filter (f: isString f && f != "") (builtins.split " +" raw)
    else if isList raw then filter (f: asText 200 f != null) raw
    else [ ];
  told = drv: name: if !(hasAttr "meta" drv) then null else soft (
    let text = if isAttrs drv.meta then asText 8000 (drv.meta.\${name} or null) else null;
    in if text == null then null else escape text);
  describe = drv:
    let outputs = drv.outputs or [ "out" ]; in toJSON {
      d = drv.drvPath;
      s = drv.system;
      o = listToAttrs (map (name: { inherit name; value = (drv.\${name} or drv).outPath; }) outputs);
      f = features drv;
      m = told drv "description";
      p = told drv "mainProgram";
    };

  nothing = { is = "nothing"; };
  odd = text: { is = "odd"; inherit text; };
  job = drv: { is = "job"; inherit drv; text = describe drv; };
  children = mode: set: names: { is = "set"; inherit mode set; names = names; };

  setOf = value: next:
    if isAttrs value then next value
    else throw "a set was expected here, but \${typeOf value} came";
  onlySystems = set: filter (name: elem name systems) (attrNames set);
  configuration = drv:
    if !isDerivation drv then odd "is not a derivation"
    else if elem drv.system systems then job drv
    else nothing;

  classify = {
    perSystem = value: setOf value (set: children "names" set (onlySystems set));
    names = value: setOf value (set: children "leaf" set (attrNames set));
    leaf = value:
      if isDerivation value then job value
      else if isAttrs value && (value.recurseForDerivations or false) == true
      then children "leaf" value (filter (name: name != "recurseForDerivations") (attrNames value))
      else if isAttrs value then nothing
      else odd "is not a derivation but \${typeOf value}";
    formatters = value: setOf value (set: children "single" set (onlySystems set));
    single = value: if isDerivation value then job value else odd "is not a derivation but \${typeOf value}";
    machines = value: setOf value (set: children "machine" set (attrNames set));
    machine = value: configuration value.config.system.build.toplevel;
    darwins = value: setOf value (set: children "darwin" set (attrNames set));
    darwin = value: configuration (value.system or value.config.system.build.toplevel);
    homes = value: setOf value (set: children "home" set (attrNames set));
    home = value: configuration value.activationPackage;
    deepest = value: setOf value (set: children "deep" set (attrNames set));
    deep = value:
      if isDerivation value then configuration value
      else if isAttrs value then children "deep" value (attrNames value)
      else nothing;
  };
  rootMode = {
    packages = "perSystem"; checks = "perSystem"; devShells = "perSystem"; formatter = "formatters";
    nixosConfigurations = "machines"; darwinConfigurations = "darwins"; homeConfigurations = "homes";
    hydraJobs = "deepest";
  };
  isShared = mode: elem mode [ "leaf" "single" "machine" "darwin" "home" "deep" ];

  forced = result:
    if result.is == "job" then seq result.text result
    else if result.is == "set" then seq (length result.names) result
    else result;

  ordered = list:
    if backward then let n = length list; in genList (i: elemAt list (n - 1 - i)) n else list;
  skipped = listToAttrs (map (name: { inherit name; value = null; }) skip);
  isAhead = name: pivot: if backward then lessThan name pivot else lessThan pivot name;

  walkNames = { mode, set, names, depth, above, rest, isSplit, waiting }:
    let
      count = length names;
      indices = ordered (genList (i: i) count);
      mine = i: !isSplit || shares == 1 || i - (i / shares) * shares == share;
      pivot = if rest == null || rest == [ ] then null else elemAt rest 0;
      enter = name: rest: acc: visit { inherit mode depth above name rest; waiting = acc; } (getAttr name set);
      step = acc: i:
        let name = elemAt names i; in
        if !(mine i) then acc
        else if pivot == null || isAhead name pivot then enter name null acc
        else if name == pivot && length rest > 1 then enter name (drop 1 rest) acc
        else acc;
    in foldl' step waiting indices;


  visit = { mode, depth, above, name, rest, waiting }: value:
    let
      text = "\${above}\${escape name}";
      tried = tryEval (forced (classify.\${mode} value));
      result = tried.value;
    in
    if stringLength name > 500
    then trace (waiting + line "long" "\${above}\${escape (substring 0 60 name)}") ""
    else if depth > 40 then trace (waiting + line "deep" text) ""
    else if hasAttr text skipped then waiting
    else trace (waiting + line "begin" text) (
      if !tried.success then later "caught" ""
      else if result.is == "job" then (if rest == null then later "job" result.text else "")
      else if result.is == "odd" then later "odd" (escape result.text)
      else if result.is == "set" then walkNames {
        inherit (result) mode set names;
        inherit rest;
        depth = depth + 1;
        above = "\${text}/";
        isSplit = isShared result.mode && !(isShared mode);
        waiting = "";
      }
      else "");

  outputs = if isAttrs flake.outputs then flake.outputs
    else throw "the outputs function of flake.nix has to return a set, but \${typeOf flake.outputs} came";
  present = filter (kind: hasAttr kind outputs) kinds;
  position = kind: foldl' (found: i: if elemAt kinds i == kind then i else found) (0 - 1) (genList (i: i) (length kinds));

  walk =
    let
      pivot = if after == null || after == [ ] then null else elemAt after 0;
      step = acc: kind:
        let enter = rest: visit {
          mode = rootMode.\${kind}; depth = 1; above = ""; name = kind; inherit rest; waiting = acc;
        } outputs.\${kind}; in
        if pivot == null then enter null
        else if kind == pivot then (if length after > 1 then enter (drop 1 after) else acc)
        else if (if backward then lessThan (position kind) (position pivot) else lessThan (position pivot) (position kind))
        then enter null
        else acc;
    in trace (foldl' step "" (ordered present) + line "end" "") null;

  descend = mode: value: rest:
    let result = forced (classify.\${mode} value); in
    if rest == [ ] then result
    else descend result.mode (getAttr (elemAt rest 0) result.set) (drop 1 rest);
  found = path: descend rootMode.\${elemAt path 0} outputs.\${elemAt path 0} (drop 1 path);
  probe = path: seq (found path) null;
  list = path: foldl' (acc: name: seq (say "name" (escape name) null) acc) null (found path).names;

  tree =
    let
      entry = mode: value:
        let result = classify.\${mode} value; in
        if result.is == "job"
        then result.drv // { meta = { argunix = {
          f = features result.drv; m = told result.drv "description"; p = told result.drv "mainProgram";
        }; }; }
        else if result.is == "set" then branch result
        else if result.is == "odd" then throw "It \${result.text}."
        else { };
      branch = result:
        listToAttrs (map (name: { inherit name; value = entry result.mode (getAttr name result.set); }) result.names)
        // { recurseForDerivations = true; };
    in listToAttrs (map (kind: { name = kind; value = entry rootMode.\${kind} outputs.\${kind}; }) present)
      // { recurseForDerivations = true; };
in { inherit walk probe list tree; }
`;

const CONTROL = [...Array.from({ length: 31 }, (_, i) => i + 1), 0x7f];
const JOBS_ON_ONE_LINE = JOBS.replace('CONTROL_ESCAPED', nixList(CONTROL.map((code) => `%${hex(code, 2)}`)))
  .replace('CONTROL', `(fromJSON ${nixString(jsonOfControls())})`)
  .replaceAll(/\s*\n\s*/g, ' ')
  .trim();

export interface WalkParameters {
  /** A locked reference: what `builtins.getFlake` takes in pure mode. */
  readonly flakeUrl: string;
  readonly systems: readonly string[];
  readonly kinds: readonly string[];
  readonly mark: string;
  /** Where an earlier process stopped: the walk goes on behind it. */
  readonly after: readonly string[] | null;
  /** Paths, escaped as they came, that are not looked at: their ending is known. */
  readonly skip: readonly string[];
  readonly direction: 'forward' | 'backward';
  /** Of several backward walks, this one takes the names whose index leaves `index` when divided by `count`. */
  readonly share: { readonly index: number; readonly count: number };
}

/**
 * A set with `walk` (the lines), `probe PATH` (the error of one attribute), `list PATH` (its names) and `tree` (what
 * nix-eval-jobs walks itself). One line, so that the repl takes it too.
 */
export function jobsExpression(parameters: WalkParameters): string {
  const { flakeUrl, systems, kinds, mark, after, skip, direction, share } = parameters;
  return `((${JOBS_ON_ONE_LINE}) { flake = builtins.getFlake ${nixString(flakeUrl)}; systems = ${nixList(systems)}; kinds = ${nixList(kinds)}; mark = ${nixString(mark)}; after = ${after === null ? 'null' : nixStrings(after)}; skip = ${nixStrings(skip)}; backward = ${direction === 'backward'}; share = ${share.index}; shares = ${share.count}; })`;
}

/** A list whose strings may hold anything: ASCII only, so that no line editor takes part of it for a command. */
export function nixStrings(texts: readonly string[]): string {
  return `(builtins.fromJSON ${nixString(asciiJson(texts))})`;
}

export function nixString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('${', '\\${')}"`;
}

function nixList(texts: readonly string[]): string {
  return `[ ${texts.map(nixString).join(' ')} ]`;
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${hex(char.charCodeAt(0), 4)}`);
}

function jsonOfControls(): string {
  return `[${CONTROL.map((code) => `"\\u${hex(code, 4)}"`).join(',')}]`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, '0');
}
