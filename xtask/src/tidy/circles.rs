//! Modules that need each other: of the children of one module none may need itself over others. What a child takes from
//! its own parent (a type that stands in `mod.rs`) is no circle; a parent is one idea with its children.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, ItemMod, ItemUse, UseTree, visit::Visit};

/// Where a module stands: `["jobs", "claim"]`; the crate's root is empty.
type Module = Vec<String>;
/// What stands behind `crate::`, `self::`, `super::` or the name of a module, segment by segment.
type Written = Vec<String>;

/// Adds a problem for each circle between modules under `sources`, the `src` folder of a package.
pub fn check(package: &str, sources: &Path, problems: &mut Vec<String>) -> Result<()> {
    let mut files = BTreeMap::new();
    collect(sources, &mut Vec::new(), &mut files)?;
    let mut modules = BTreeMap::new();
    for (module, file) in files {
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("parse {}", file.display()))?;
        let mut uses = Uses::default();
        uses.visit_file(&parsed);
        modules.insert(module, uses);
    }
    problems.extend(circles(&modules).into_iter().map(|circle| format!("{package}: {circle}")));
    Ok(())
}

/// The modules below a folder by their files. Programs in `bin` are crates of their own, and so is `main.rs` beside a
/// `lib.rs`.
fn collect(folder: &Path, module: &mut Module, files: &mut BTreeMap<Module, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?.flatten() {
        let path = entry.path();
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else { continue };
        if path.is_dir() {
            if !(module.is_empty() && name == "bin") {
                module.push(name);
                collect(&path, module, files)?;
                module.pop();
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            match name.as_str() {
                "mod" | "lib" => _ = files.insert(module.clone(), path),
                "main" if module.is_empty() => _ = files.entry(Vec::new()).or_insert(path),
                _ => _ = files.insert([module.as_slice(), &[name]].concat(), path),
            }
        }
    }
    Ok(())
}

/// What a file names of its crate, without what it has for tests only.
#[derive(Default)]
struct Uses {
    paths: BTreeSet<Written>,
    /// Names that other modules can take from here although they stand elsewhere.
    imported: BTreeMap<String, Written>,
    /// Children that are compiled for tests only.
    tests: BTreeSet<String>,
    /// How many modules with braces it is inside of: there `super` is this file.
    depth: usize,
}

impl Uses {
    fn add(&mut self, mut path: Written) {
        for _ in 0..self.depth {
            match path.first().map(String::as_str) {
                Some("super") => _ = path.remove(0),
                Some("self") => return,
                _ => {}
            }
        }
        self.paths.insert(path);
    }

    fn imports(&mut self, before: &Written, tree: &UseTree) {
        let with = |name: &dyn ToString| [before.as_slice(), &[name.to_string()]].concat();
        let (name, path) = match tree {
            UseTree::Path(path) => return self.imports(&with(&path.ident), &path.tree),
            UseTree::Group(group) => return group.items.iter().for_each(|item| self.imports(before, item)),
            UseTree::Name(name) if name.ident == "self" => return self.add(before.clone()),
            UseTree::Name(name) => (name.ident.to_string(), with(&name.ident)),
            UseTree::Rename(rename) => (rename.rename.to_string(), with(&rename.ident)),
            UseTree::Glob(_) => return self.add(before.clone()),
        };
        if self.depth == 0 {
            self.imported.insert(name, path.clone());
        }
        self.add(path);
    }

    /// Paths in the arguments of a macro, which are only tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Written = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => path.push(name.to_string()),
                other => {
                    self.end_of(&mut path);
                    match other {
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.end_of(&mut path);
    }

    fn end_of(&mut self, path: &mut Written) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.add(path);
        }
    }
}

fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item;
        let attributes: &[Attribute] = match item {
            Item::Const(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        match item {
            Item::Mod(module) if for_tests(attributes) => _ = self.tests.insert(module.ident.to_string()),
            _ if for_tests(attributes) => {}
            _ => syn::visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            syn::visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.depth += usize::from(module.content.is_some());
        syn::visit::visit_item_mod(self, module);
        self.depth -= usize::from(module.content.is_some());
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.imports(&Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.tokens(called.tokens.clone());
        syn::visit::visit_macro(self, called);
    }
}

/// The module that a path written in `from` leads to, if it is one of this crate's.
fn resolve(modules: &BTreeMap<Module, Uses>, from: &Module, path: &[String], depth: usize) -> Option<Module> {
    // Re-exports of re-exports end somewhere.
    if depth > 8 {
        return None;
    }
    let (mut at, mut rest) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (from.clone(), &path[1..]),
        "super" => {
            let up = path.iter().take_while(|segment| *segment == "super").count();
            (from[..from.len().checked_sub(up)?].to_vec(), &path[up..])
        }
        name if modules.contains_key(&[from.as_slice(), &[name.to_owned()]].concat()) => (from.clone(), path),
        _ => return None,
    };
    while let Some((name, behind)) = rest.split_first() {
        let child = [at.as_slice(), std::slice::from_ref(name)].concat();
        if modules.contains_key(&child) {
            (at, rest) = (child, behind);
            continue;
        }
        let elsewhere = modules.get(&at).and_then(|module| module.imported.get(name));
        return match elsewhere.and_then(|path| resolve(modules, &at, path, depth + 1)) {
            Some(elsewhere) => Some(elsewhere),
            None => Some(at),
        };
    }
    Some(at)
}

/// For each parent the circles between its children, in words.
fn circles(modules: &BTreeMap<Module, Uses>) -> Vec<String> {
    let is_test = |module: &Module| {
        (0..module.len())
            .any(|depth| modules.get(&module[..depth]).is_some_and(|parent| parent.tests.contains(&module[depth])))
    };
    // By parent and child, the children that it needs, with a path that says so.
    let mut needs: BTreeMap<Module, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
    for (module, uses) in modules.iter().filter(|(module, _)| !is_test(module)) {
        for path in &uses.paths {
            let Some(target) = resolve(modules, module, path, 0).filter(|target| !is_test(target)) else { continue };
            let common = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
            if let (Some(own), Some(other)) = (module.get(common), target.get(common)) {
                let children = needs.entry(module[..common].to_vec()).or_default();
                children.entry(own.clone()).or_default().entry(other.clone()).or_insert_with(|| path.join("::"));
            }
        }
    }
    needs.values().filter_map(circle).collect()
}

/// One circle among children, if there is one: the children on it, each with the path by which it needs the next.
fn circle(needs: &BTreeMap<String, BTreeMap<String, String>>) -> Option<String> {
    let round = needs.keys().find_map(|start| {
        // The shortest way from a child back to itself.
        let mut ways: Vec<Vec<&String>> = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let last = *way.last()?;
                for next in needs.get(last).into_iter().flat_map(BTreeMap::keys) {
                    if next == start {
                        return Some([way.as_slice(), &[next]].concat());
                    }
                    if seen.insert(next) {
                        longer.push([way.as_slice(), &[next]].concat());
                    }
                }
            }
            ways = longer;
        }
        None
    })?;
    let step = |pair: &[&String]| format!("{} needs {} ({})", pair[0], pair[1], needs[pair[0]][pair[1]]);
    Some(format!("modules in a circle: {}", round.windows(2).map(step).collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Circles of a crate of files, each a path of its module and its text.
    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let module = |(name, text): &(&str, &str)| {
            let mut uses = Uses::default();
            uses.visit_file(&syn::parse_file(text).unwrap());
            (name.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(), uses)
        };
        circles(&files.iter().map(module).collect())
    }

    const ROOT: (&str, &str) = ("", "mod a; mod b; mod c; pub use c::Third;");

    #[test]
    fn modules_that_need_each_other_are_named_with_their_paths() {
        let two = circles_of(&[ROOT, ("a", "use crate::b::B; struct A;"), ("b", "fn f(_: super::a::A) {} struct B;")]);
        assert_eq!(two, ["modules in a circle: a needs b (crate::b::B), b needs a (super::a::A)"]);
        let over_a_re_export =
            circles_of(&[ROOT, ("a", "use crate::Third;"), ("c", "fn f() { g!(vec![crate::a::X]) }")]);
        assert_eq!(over_a_re_export, ["modules in a circle: a needs c (crate::Third), c needs a (crate::a::X)"]);
        let three =
            circles_of(&[ROOT, ("a", "use crate::b;"), ("b", "use super::c::{self, d};"), ("c", "use super::a as x;")]);
        assert_eq!(three.len(), 1, "{three:?}");
        assert!(three[0].contains("a needs b") && three[0].contains("c needs a"), "{three:?}");
        let folders = circles_of(&[ROOT, ("a", "mod x;"), ("a/x", "use crate::b::B;"), ("b", "use crate::a::A;")]);
        assert_eq!(folders.len(), 1, "a folder is one with what is in it: {folders:?}");
    }

    #[test]
    fn arrows_one_way_parents_and_tests_are_no_circles() {
        let fine = [
            ROOT,
            ("a", "mod x; pub struct A; fn f() { x::g() }"),
            ("a/x", "use super::A; pub fn g() {}"),
            ("b", "use crate::a::A; mod inner { use super::super::a; use super::B; } struct B;"),
            ("c", "use crate::b::B; #[cfg(test)] mod tests { use crate::a::A; } #[cfg(test)] use crate::b;"),
        ];
        assert_eq!(circles_of(&fine), Vec::<String>::new());
        let tests_only = [("", "mod a; #[cfg(test)] mod b;"), ("a", "use crate::b::B;"), ("b", "use crate::a::A;")];
        assert_eq!(circles_of(&tests_only), Vec::<String>::new());
    }
}
