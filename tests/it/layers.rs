//! Who imports whom in `src`: which folders each may use, and no circle among folders or among the files of one folder.
//!
//! Read from the code's own paths: `use` lines, and `crate::`, `super::` and names of child modules within the code. A
//! name that a `mod.rs` hands on with `use` counts as imported from the file that defines it. Tests are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// For each part of `src`: the parts that it may import, from the ground up.
const ALLOWED: &[(&str, &[&str])] = &[
    ("values", &[]),
    ("media", &[]),
    ("time", &[]),
    ("service_manager", &[]),
    ("device", &["media", "time", "values"]),
    ("db", &["media", "time", "values"]),
    ("error", &["db"]),
    ("backup", &["db", "media", "time"]),
    ("storage", &["media", "values"]),
    ("config", &["db", "storage", "values"]),
    ("telemetry", &["config", "values"]),
    ("metrics", &[]),
    ("catalog", &["db", "media", "storage", "time", "values"]),
    ("auth", &["config", "db", "time", "values"]),
    ("store", &["auth", "catalog", "db", "time", "values"]),
    ("app", &["auth", "catalog", "config", "db", "media", "storage", "store", "time"]),
    ("cache_upkeep", &["app", "db"]),
    ("prewarm", &["app", "config", "db", "media", "time"]),
    ("restored", &["app", "db"]),
    (
        "http",
        &[
            "app",
            "auth",
            "catalog",
            "config",
            "db",
            "error",
            "media",
            "metrics",
            "service_manager",
            "storage",
            "telemetry",
            "time",
            "values",
        ],
    ),
    (
        "cli",
        &[
            "app",
            "auth",
            "backup",
            "cache_upkeep",
            "catalog",
            "config",
            "db",
            "device",
            "http",
            "media",
            "metrics",
            "prewarm",
            "restored",
            "storage",
            "telemetry",
            "time",
            "values",
        ],
    ),
];

/// The path of a module within the crate, without `crate`.
type Module = Vec<String>;

/// The modules of `src` with their code.
struct Crate {
    code: BTreeMap<Module, String>,
    /// Names that a module takes with `use`, and so hands on, with the path they come from.
    handed_on: BTreeMap<(Module, String), Module>,
}

impl Crate {
    /// The crate whose code is in this folder of the repository.
    fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut code = BTreeMap::new();
        collect(&root, &mut Vec::new(), &mut code);
        assert!(code.len() > 20, "the tree was not found");
        let mut all = Self { code, handed_on: BTreeMap::new() };
        let mut handed_on = BTreeMap::new();
        for module in all.code.keys() {
            for Use { path, name, .. } in all.uses(module) {
                handed_on.insert((module.clone(), name), path);
            }
        }
        all.handed_on = handed_on;
        all
    }

    /// The `use` declarations of a module, each leaf by itself.
    fn uses(&self, module: &[String]) -> Vec<Use> {
        let mut all = Vec::new();
        for statement in self.code.get(module).into_iter().flat_map(|code| code.split(';')) {
            let Some((before, tree)) = statement.rsplit_once("use ").filter(|(before, _)| ends_a_word(before)) else {
                continue;
            };
            let public = before.lines().last().is_some_and(|line| line.trim_start().starts_with("pub"));
            for leaf in leaves(tree) {
                let (path, alias) =
                    leaf.split_once(" as ").map_or((leaf.as_str(), None), |(path, name)| (path, Some(name)));
                let segments: Vec<&str> = path
                    .split("::")
                    .map(str::trim)
                    .filter(|part| *part != "self" || path.starts_with("self"))
                    .collect();
                if let Some(path) = self.absolute(module, &segments) {
                    let name =
                        alias.map(str::trim).map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
                    all.push(Use { path, name, public });
                }
            }
        }
        all
    }

    /// A path as written in a module, from the crate's root; `None` for what is of another crate.
    fn absolute(&self, module: &[String], segments: &[&str]) -> Option<Module> {
        let (first, rest) = segments.split_first()?;
        let (mut base, mut rest) = match *first {
            "crate" => (Vec::new(), rest),
            "self" => (module.to_vec(), rest),
            "super" => (module.get(..module.len().checked_sub(1)?)?.to_vec(), rest),
            child if self.is_module(module, child) => (module.to_vec(), segments),
            _ => return None,
        };
        while let Some(("super", after)) = rest.split_first().map(|(first, after)| (*first, after)) {
            base.pop();
            rest = after;
        }
        base.extend(rest.iter().map(|part| (*part).to_owned()));
        Some(base)
    }

    fn is_module(&self, parent: &[String], child: &str) -> bool {
        self.code.contains_key(&[parent, &[child.to_owned()]].concat())
    }

    /// The module that defines what an absolute path names.
    fn home(&self, path: &[String]) -> Module {
        let mut here: Module = Vec::new();
        for (at, part) in path.iter().enumerate() {
            if self.is_module(&here, part) {
                here.push(part.clone());
            } else if let Some(from) = self.handed_on.get(&(here.clone(), part.clone())) {
                return self.home(&[from.as_slice(), path.get(at + 1..).unwrap_or_default()].concat());
            } else {
                break;
            }
        }
        here
    }

    /// The other modules that a module imports, each with the path by which.
    fn imports(&self, module: &[String]) -> BTreeMap<Module, String> {
        let mut paths: Vec<Module> = Vec::new();
        // A module that hands on a child's name does not depend on it.
        let own = |used: &Use| used.public && used.path.starts_with(module);
        paths.extend(self.uses(module).into_iter().filter(|used| !own(used)).map(|used| used.path));
        let code = self.code.get(module).map(|code| without_uses(code)).unwrap_or_default();
        for path in paths_within(&code) {
            let segments: Vec<&str> = path.split("::").collect();
            paths.extend(self.absolute(module, &segments));
        }
        let named = paths.into_iter().map(|path| (self.home(&path), path.join("::")));
        named.filter(|(home, _)| home != module).collect()
    }

    /// Every import of the crate: from, to, and by which path.
    fn all_imports(&self) -> Vec<(Module, Module, String)> {
        let of = |module: &Module| {
            self.imports(module).into_iter().map(|(to, path)| (module.clone(), to, path)).collect::<Vec<_>>()
        };
        self.code.keys().flat_map(of).collect()
    }
}

/// One leaf of a `use` declaration.
struct Use {
    path: Module,
    name: String,
    public: bool,
}

/// Reads the Rust files below a folder into `code`, without comments and tests.
fn collect(folder: &Path, module: &mut Module, code: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("it can be read").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if stem == "tests" {
            continue;
        }
        if path.is_dir() {
            module.push(stem);
            collect(&path, module, code);
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(before, _)| before));
            let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
            let own =
                if stem == "mod" || stem == "lib" { module.clone() } else { [module.as_slice(), &[stem]].concat() };
            // `pub(in crate::db)` says who may see a name, and imports nothing.
            code.insert(own, lines.join("\n").replace("pub(in crate::", "pub(in "));
        }
    }
}

/// The leaves of a tree such as `a::{self, b::c}`, each in full.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_usize);
    for c in rest.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 { parts.push(std::mem::take(&mut part)) } else { part.push(c) }
    }
    parts.push(part);
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| leaves(part)).map(|leaf| format!("{}{leaf}", prefix.trim())).collect()
}

fn ends_a_word(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The code without its `use` declarations.
fn without_uses(code: &str) -> String {
    let is_use = |statement: &str| statement.rsplit_once("use ").is_some_and(|(before, _)| ends_a_word(before));
    let kept = code.split(';').map(|statement| {
        if is_use(statement) { statement.rsplit_once("use ").map_or("", |(before, _)| before) } else { statement }
    });
    kept.collect::<Vec<_>>().join(";")
}

/// The paths with at least two parts that the code names.
fn paths_within(code: &str) -> Vec<String> {
    let of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c: char| !of_path(c)).map(|word| word.trim_end_matches(':'));
    words.filter(|word| word.contains("::") && !word.starts_with(':')).map(str::to_owned).collect()
}

/// The part of a folder in which a module lies: a file, a folder, or `mod` for the folder's own file.
fn part_of(folder: &[String], module: &[String]) -> Option<String> {
    let rest = module.strip_prefix(folder)?;
    Some(rest.first().cloned().unwrap_or_else(|| "mod".to_owned()))
}

/// The imports among the parts of a folder, each with one example.
fn imports_among(
    folder: &[String],
    imports: &[(Module, Module, String)],
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut among: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (from, to, path) in imports {
        if let (Some(one), Some(other)) = (part_of(folder, from), part_of(folder, to))
            && one != other
        {
            among.entry(one).or_default().insert(other, format!("{} imports {path}", from.join("/")));
        }
    }
    among
}

/// A way from a part back to itself, as the examples on it.
fn circle(among: &BTreeMap<String, BTreeMap<String, String>>, start: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![(start.to_owned(), Vec::new())];
    while let Some((here, way)) = ways.pop() {
        for (next, example) in among.get(&here).into_iter().flatten() {
            let longer = [way.as_slice(), std::slice::from_ref(example)].concat();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push((next.clone(), longer));
            }
        }
    }
    None
}

#[test]
fn each_part_of_src_imports_only_what_the_table_allows() {
    let imports = Crate::read("src").all_imports();
    let among = imports_among(&[], &imports);
    let mut broken = Vec::new();
    for (part, used) in &among {
        let allowed = ALLOWED.iter().find(|(name, _)| name == part).map(|(_, allowed)| *allowed).unwrap_or_default();
        broken.extend(
            used.iter().filter(|(other, _)| !allowed.contains(&other.as_str())).map(|(_, example)| example.clone()),
        );
    }
    assert!(broken.is_empty(), "the table of tests/it/layers.rs does not allow:\n{}", broken.join("\n"));
    let used = |part: &str, other: &str| among.get(part).is_some_and(|used| used.contains_key(other));
    let spare = ALLOWED.iter().flat_map(|(part, allowed)| allowed.iter().map(move |other| (*part, *other)));
    let spare: Vec<_> = spare.filter(|(part, other)| !used(part, other)).collect();
    assert!(spare.is_empty(), "the table of tests/it/layers.rs allows what nobody needs: {spare:?}");
}

#[test]
fn no_imports_run_in_a_circle() {
    let mut broken = Vec::new();
    for root in ["src", "demo/src"] {
        let all = Crate::read(root);
        let imports = all.all_imports();
        let folders = all.code.keys().filter_map(|module| module.split_last().map(|(_, folder)| folder));
        for folder in folders.collect::<BTreeSet<_>>() {
            let among = imports_among(folder, &imports);
            if let Some(way) = among.keys().find_map(|part| circle(&among, part)) {
                broken.push(format!("{root}/{}:\n  {}", folder.join("/"), way.join("\n  ")));
            }
        }
    }
    assert!(broken.is_empty(), "imports that run in a circle:\n{}", broken.join("\n"));
}
