//! The player's modules, joined into two: what the first view needs, and everything else. A page then loads one file, not
//! one after the other by their `import` lines.
//!
//! Each module becomes a constant that holds what it exports, so names within modules need not differ. The code is laid out
//! by Prettier, whose lines are relied on: a statement of a module begins at the start of a line. A test joins the player.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// The module that a page loads; what it imports is loaded first.
const START: &str = "app.js";
/// The name of the joined modules that the first view needs.
pub(super) const FIRST: &str = "first.js";
/// The name of the joined modules that are loaded when they are needed.
pub(super) const LATER: &str = "later.js";

/// A module, taken apart.
struct Module {
    /// The `import` statements: the module, and the names in braces.
    imports: Vec<(String, String)>,
    /// The names that it exports.
    exports: Vec<String>,
    /// The modules that it loads when they are needed.
    later: Vec<String>,
    /// The rest of its code, without comments that have lines of their own.
    code: String,
}

/// The joined modules.
pub(super) struct Bundles {
    /// The code of [`FIRST`].
    pub(super) first: String,
    /// The code of [`LATER`].
    pub(super) later: String,
    /// For each module the joined file that it is in, and the names that it exports.
    pub(super) modules: BTreeMap<String, (&'static str, Vec<String>)>,
}

/// The constant that holds what a module exports.
pub(super) fn constant(name: &str) -> String {
    let plain = name.strip_suffix(".js").unwrap_or(name);
    format!("${}", plain.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// Joins modules; `source` gives the code of one by its path.
///
/// # Errors
/// When a module has a form that cannot be joined, or is missing.
pub(super) fn join<'a>(source: impl Fn(&str) -> Option<&'a str>) -> Result<Bundles, String> {
    let mut known = BTreeMap::new();
    let mut waiting = vec![START.to_owned()];
    while let Some(name) = waiting.pop() {
        if let Entry::Vacant(place) = known.entry(name) {
            let name = place.key();
            let module = take_apart(name, source(name).ok_or_else(|| format!("there is no module {name}"))?)?;
            waiting.extend(module.imports.iter().map(|(from, _)| from.clone()).chain(module.later.clone()));
            place.insert(module);
        }
    }
    let mut first = Vec::new();
    order(START, &known, &mut BTreeSet::new(), &mut first);
    let mut done: BTreeSet<String> = first.iter().cloned().collect();
    let mut later = Vec::new();
    for name in known.keys() {
        order(name, &known, &mut done, &mut later);
    }
    let is_first = |name: &str| first.iter().any(|known| known == name);
    let write = |names: &[String]| -> String {
        names.iter().filter_map(|name| known.get(name).map(|module| wrapped(name, module, &is_first))).collect()
    };
    let constants: Vec<_> = first.iter().map(|name| constant(name)).collect();
    let first_code = format!("{}export {{ {} }};\n", write(&first), constants.join(", "));
    let constants: Vec<_> = later.iter().map(|name| constant(name)).collect();
    let imports: BTreeSet<_> =
        later.iter().filter_map(|name| known.get(name)).flat_map(|module| &module.imports).collect();
    let imports: BTreeSet<_> =
        imports.iter().filter(|(from, _)| is_first(from)).map(|(from, _)| constant(from)).collect();
    let imports: Vec<_> = imports.into_iter().collect();
    let head = format!("import {{ {} }} from \"./{FIRST}\";\n", imports.join(", "));
    let later_code = format!("{head}{}export {{ {} }};\n", write(&later), constants.join(", "));
    let place = |name: &str| if is_first(name) { FIRST } else { LATER };
    let modules = known.iter().map(|(name, module)| (name.clone(), (place(name), module.exports.clone()))).collect();
    Ok(Bundles { first: first_code, later: later_code, modules })
}

/// Appends a module after what it imports, unless it is there.
fn order(name: &str, known: &BTreeMap<String, Module>, done: &mut BTreeSet<String>, ordered: &mut Vec<String>) {
    if !done.insert(name.to_owned()) {
        return;
    }
    for (from, _) in known.get(name).map(|module| module.imports.as_slice()).unwrap_or_default() {
        order(from, known, done, ordered);
    }
    ordered.push(name.to_owned());
}

/// The constant of a module with its code.
fn wrapped(name: &str, module: &Module, is_first: &impl Fn(&str) -> bool) -> String {
    let imports: Vec<_> = module
        .imports
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(from, names)| format!("const {{ {} }} = {};\n", names.replace(" as ", ": "), constant(from)))
        .collect();
    let imports = imports.concat();
    let mut code = module.code.clone();
    for from in &module.later {
        let value = if is_first(from) {
            format!("Promise.resolve({})", constant(from))
        } else {
            format!("import(\"./{LATER}\").then((later) => later.{})", constant(from))
        };
        code = code.replace(&placeholder(from), &value);
    }
    format!(
        "const {} = (() => {{\n{imports}{code}return {{ {} }};\n}})();\n",
        constant(name),
        module.exports.join(", ")
    )
}

/// Stands in the code for a module that is loaded later.
fn placeholder(name: &str) -> String {
    format!("\0{name}\0")
}

fn take_apart(name: &str, text: &str) -> Result<Module, String> {
    let mut module = Module { imports: Vec::new(), exports: Vec::new(), later: Vec::new(), code: String::new() };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        if start.starts_with("//") || start.is_empty() {
            continue;
        }
        if start.starts_with("/*") && !start.contains("*/ ") {
            let mut end = start;
            while !end.ends_with("*/") {
                end = lines.next().ok_or_else(|| format!("{name}: a comment has no end"))?;
            }
            continue;
        }
        if line.starts_with("import ") {
            let mut statement = line.to_owned();
            while !statement.ends_with("\";") {
                let more = lines.next().ok_or_else(|| format!("{name}: an import has no end"))?;
                statement = format!("{statement} {}", more.trim());
            }
            module.imports.push(import(name, &statement)?);
            continue;
        }
        let line = match line.strip_prefix("export ") {
            Some(rest) => {
                module.exports.push(exported(rest).ok_or_else(|| format!("{name}: {line:?} is not understood"))?);
                rest
            }
            None => line,
        };
        module.code.push_str(line);
        module.code.push('\n');
    }
    while let Some((before, rest)) = module.code.split_once("import(\"") {
        let (path, after) = rest.split_once("\")").ok_or_else(|| format!("{name}: an import() has no end"))?;
        let path = resolved(name, path)?;
        module.code = format!("{before}{}{after}", placeholder(&path));
        module.later.push(path);
    }
    Ok(module)
}

/// The module that an `import` statement names, and the names in its braces.
fn import(name: &str, statement: &str) -> Result<(String, String), String> {
    let (head, path) = statement.trim_end_matches("\";").split_once('"').ok_or("no path")?;
    let names = head.strip_prefix("import ").unwrap_or_default().trim().trim_end_matches("from").trim();
    let inner = names.strip_prefix('{').and_then(|names| names.strip_suffix('}'));
    if inner.is_none() && !names.is_empty() {
        return Err(format!("{name}: {statement:?} is not understood"));
    }
    Ok((resolved(name, path)?, inner.unwrap_or_default().trim().trim_end_matches(',').to_owned()))
}

/// The name that a declaration exports; `None` for forms that are not joined, among them variables that may change.
fn exported(declaration: &str) -> Option<String> {
    let kinds = ["const ", "class ", "function ", "async function "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The path of a module that another one names relative to itself.
fn resolved(from: &str, path: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if !path.starts_with('.') {
        return Err(format!("{from}: {path:?} is not relative"));
    }
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// A style sheet without its comments.
pub(super) fn style(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, &str)]) -> Result<Bundles, String> {
        join(|name| files.iter().find(|(known, _)| *known == name).map(|(_, text)| *text))
    }

    #[test]
    fn modules_stand_after_what_they_import_and_what_is_loaded_later_stands_apart() {
        let bundles = joined(&[
            (
                "app.js",
                "/**\n * About.\n */\n\nimport { a as b,\n  c } from \"./parts/a.js\";\nimport \"./b.js\";\n// why\n\
                 const X = () => import(\"./views/v.js\");\nimport(\"./b.js\");\n",
            ),
            ("parts/a.js", "export const a = 1;\nexport async function c() {}\n"),
            ("b.js", "import { a } from \"./parts/a.js\";\n/** @type {number} */ (a).x;\n"),
            ("views/v.js", "import { w } from \"./w.js\";\nimport { c } from \"../parts/a.js\";\nexport class V {}\n"),
            ("views/w.js", "export function w() {}\n"),
        ])
        .expect("joined");
        assert_eq!(
            bundles.first,
            "const $parts_a = (() => {\nconst a = 1;\nasync function c() {}\nreturn { a, c };\n})();\n\
             const $b = (() => {\nconst { a } = $parts_a;\n/** @type {number} */ (a).x;\nreturn {  };\n})();\n\
             const $app = (() => {\nconst { a: b, c } = $parts_a;\n\
             const X = () => import(\"./later.js\").then((later) => later.$views_v);\nPromise.resolve($b);\n\
             return {  };\n})();\nexport { $parts_a, $b, $app };\n"
        );
        assert_eq!(
            bundles.later,
            "import { $parts_a } from \"./first.js\";\n\
             const $views_w = (() => {\nfunction w() {}\nreturn { w };\n})();\n\
             const $views_v = (() => {\nconst { w } = $views_w;\nconst { c } = $parts_a;\nclass V {}\nreturn { V };\n})();\n\
             export { $views_w, $views_v };\n"
        );
        assert_eq!(bundles.modules.get("views/w.js"), Some(&(LATER, vec!["w".to_owned()])));
    }

    #[test]
    fn forms_that_cannot_be_joined_are_refused() {
        for bad in [
            "export let a = 1;",
            "export default 1;",
            "export { a } from \"./a.js\";",
            "import a from \"./a.js\";",
            "import * as a from \"./a.js\";",
            "import { a } from \"elsewhere\";",
            "import { a } from \"./missing.js\";",
            "/* no end",
        ] {
            assert!(joined(&[("app.js", bad), ("a.js", "")]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_style_sheet_loses_its_comments() {
        assert_eq!(style("/* a */\nb {}\n/* c\n */ d {} /* e"), "\nb {}\n d {} ");
    }
}
