//! Which map belongs to which script, by what the script names and by the names of the files.
//!
//! Paths are those below the working directory, with `/`, without `.` and `..`.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

/// A script and the URL of a map that it names, if it does.
pub struct NamedScript<'a> {
    /// Its path.
    pub path: &'a str,
    /// That URL, as it stands there.
    pub mapping_url: Option<&'a str>,
}

/// Where the map of a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapLink {
    /// Inside the script, as a `data:` URL.
    Inline,
    /// A file.
    File(String),
    /// The script names a map that is not among the files.
    Missing,
    /// The script names none, and no file has a name that would fit.
    Unnamed,
    /// The only file whose name fits would fit other scripts, too, or another one names it.
    Ambiguous(String),
}

/// The links of all `scripts` to the files of `maps`, in the order of the scripts. `roots` are the
/// folders that stand for the top of the site, to which a URL with a leading `/` is relative.
pub fn link_maps(
    scripts: &[NamedScript<'_>],
    maps: &BTreeSet<&str>,
    roots: &[&str],
) -> Vec<MapLink> {
    let named: Vec<_> = scripts.iter().map(|script| named_map(script, maps, roots)).collect();
    let taken: BTreeSet<&str> = named.iter().filter_map(NamedMap::file).collect();
    let guesses: Vec<_> = scripts
        .iter()
        .zip(&named)
        .map(|(script, named)| {
            named.leaves_a_guess().then(|| guessed_map(script.path, maps)).flatten()
        })
        .collect();
    let mut claims: BTreeMap<&str, usize> = BTreeMap::new();
    for guess in guesses.iter().flatten() {
        *claims.entry(guess).or_default() += 1;
    }
    let moved = |script: &NamedScript<'_>| moved_map(script, maps);
    // What is on a host now may lie at the same path here.
    let hosted = |script: &NamedScript<'_>| {
        map_of_site(path_on_host(script.mapping_url?)?, maps, roots).map(str::to_owned)
    };
    let links = scripts.iter().zip(named).zip(guesses).map(|((script, named), guess)| {
        match (named, guess) {
            (NamedMap::Inline, _) => MapLink::Inline,
            (NamedMap::File(path), _) => MapLink::File(path.to_owned()),
            (_, Some(guess)) if taken.contains(guess) || claims[guess] > 1 => {
                MapLink::Ambiguous(guess.to_owned())
            }
            (_, Some(guess)) => MapLink::File(guess.to_owned()),
            (NamedMap::Missing, None) => moved(script).map_or(MapLink::Missing, MapLink::File),
            (NamedMap::Elsewhere, None) => hosted(script).map_or(MapLink::Missing, MapLink::File),
            (NamedMap::Unnamed, None) => MapLink::Unnamed,
        }
    });
    links.collect()
}

/// What a script says of its map.
enum NamedMap<'a> {
    Inline,
    File(&'a str),
    /// On another server, or in no folder that is known.
    Elsewhere,
    Missing,
    Unnamed,
}

impl<'a> NamedMap<'a> {
    fn file(&self) -> Option<&'a str> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    fn leaves_a_guess(&self) -> bool {
        !matches!(self, Self::Inline | Self::File(_))
    }
}

fn named_map<'a>(
    script: &NamedScript<'_>,
    maps: &BTreeSet<&'a str>,
    roots: &[&str],
) -> NamedMap<'a> {
    let Some(url) = script.mapping_url else { return NamedMap::Unnamed };
    if url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        return NamedMap::Inline;
    }
    if path_on_host(url).is_some() {
        return NamedMap::Elsewhere;
    }
    match url.starts_with('/') {
        true => map_of_site(url, maps, roots).map_or(NamedMap::Elsewhere, NamedMap::File),
        false => map_at(folder(script.path), url, maps).map_or(NamedMap::Missing, NamedMap::File),
    }
}

fn map_at<'a>(base: &str, url: &str, maps: &BTreeSet<&'a str>) -> Option<&'a str> {
    spellings(url).into_iter().find_map(|name| maps.get(joined(base, &name)?.as_str()).copied())
}

/// The map of a path from the top of the site.
fn map_of_site<'a>(path: &str, maps: &BTreeSet<&'a str>, roots: &[&str]) -> Option<&'a str> {
    roots.iter().find_map(|root| map_at(root, path, maps))
}

/// The path of a URL that names a host.
fn path_on_host(url: &str) -> Option<&str> {
    let behind_scheme = url.split_once("://").map(|(_, rest)| rest).or(url.strip_prefix("//"))?;
    Some(behind_scheme.find('/').map_or("", |at| &behind_scheme[at..]))
}

/// The names that a URL may mean: as it stands, without its query, with its escapes undone, and as Windows
/// writes paths.
fn spellings(url: &str) -> Vec<String> {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_decode_str(plain).decode_utf8();
    let slashed = plain.replace('\\', "/");
    [Some(url), Some(plain), decoded.ok().as_deref(), Some(slashed.as_str())]
        .into_iter()
        .flatten()
        .map(str::to_owned)
        .collect()
}

/// A path relative to a folder; none where it leads out of the working directory.
fn joined(folder: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => parts.pop().map(drop)?,
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The first file beside a script that has a name by which tools call its map.
fn guessed_map<'a>(script: &str, maps: &BTreeSet<&'a str>) -> Option<&'a str> {
    guesses(file_name(script))
        .iter()
        .find_map(|name| maps.get(joined(folder(script), name)?.as_str()).copied())
}

/// The names that the map of a script may have, in the order in which sentry-cli tries them.
fn guesses(script: &str) -> Vec<String> {
    let (stem, extension) = script.split_once('.').unwrap_or((script, ""));
    let mut names = vec![format!("{stem}.map"), format!("{script}.map")];
    if let Some(rest) = extension.strip_prefix("min.") {
        names.push(format!("{stem}.{rest}.map"));
    }
    if let Some((front, _)) = extension.rsplit_once('.') {
        names.push(format!("{stem}.{front}.map"));
    }
    names
}

/// The only map of the name that a script gives whose path differs in one folder.
fn moved_map(script: &NamedScript<'_>, maps: &BTreeSet<&str>) -> Option<String> {
    let url = script.mapping_url?;
    let names: Vec<String> = spellings(url);
    let mut found = maps.iter().filter(|map| {
        names.iter().any(|name| {
            joined(folder(script.path), name).is_some_and(|path| differs_in_one_folder(&path, map))
        })
    });
    match (found.next(), found.next()) {
        (Some(map), None) => Some((*map).to_owned()),
        _ => None,
    }
}

fn differs_in_one_folder(left: &str, right: &str) -> bool {
    let (left, right): (Vec<_>, Vec<_>) = (left.split('/').collect(), right.split('/').collect());
    left.len() == right.len()
        && left.last() == right.last()
        && left.iter().zip(&right).filter(|(left, right)| left != right).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(scripts: &[(&str, Option<&str>)], maps: &[&str]) -> Vec<MapLink> {
        let scripts: Vec<_> = scripts
            .iter()
            .map(|(path, mapping_url)| NamedScript { path, mapping_url: *mapping_url })
            .collect();
        link_maps(&scripts, &maps.iter().copied().collect(), &["dist"])
    }

    fn file(path: &str) -> MapLink {
        MapLink::File(path.to_owned())
    }

    #[test]
    fn a_named_map_is_found_by_every_spelling_of_its_url() {
        for (url, map) in [
            ("app.js.map", "dist/js/app.js.map"),
            ("./app.js.map?v=1#x", "dist/js/app.js.map"),
            ("../maps/a.map", "dist/maps/a.map"),
            ("my%20app.js.map", "dist/js/my app.js.map"),
            ("a%20b.map", "dist/js/a%20b.map"),
            ("a%2520b.map", "dist/js/a%20b.map"),
            ("a?b.map", "dist/js/a?b.map"),
            ("/maps/a.map", "dist/maps/a.map"),
            ("app.map", "dist/maps/app.map"),
            ("..\\maps\\a.map", "dist/maps/a.map"),
            ("https://cdn.example/maps/js/a.map?v=1", "dist/maps/js/a.map"),
            ("//cdn.example/maps/a.map", "dist/maps/a.map"),
        ] {
            assert_eq!(links(&[("dist/js/app.js", Some(url))], &[map]), [file(map)], "{url}");
        }
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let script = |url| [("dist/js/app.js", Some(url))];
        for (url, maps) in [
            ("b.map", &[][..]),
            ("../../../b.map", &["b.map"]),
            ("b.map", &["dist/x/b.map", "dist/y/b.map"]),
            ("b.map", &["dist/x/y/b.map"]),
            ("https://cdn/b.map", &["dist/x/b.map"]),
            ("//cdn/b.map", &[]),
            ("/b.map", &[]),
        ] {
            assert_eq!(links(&script(url), maps), [MapLink::Missing], "{url}");
        }
        assert_eq!(links(&script("data:,x"), &[]), [MapLink::Inline]);
        assert_eq!(links(&[("dist/app.js", None)], &["dist/other.js.map"]), [MapLink::Unnamed]);
    }

    #[test]
    fn names_are_guessed_in_the_stated_order() {
        for (script, map) in [
            ("dist/a.min.js", "dist/a.map"),
            ("dist/b.js", "dist/b.js.map"),
            ("dist/c.min.js", "dist/c.js.map"),
            ("dist/d.min.js", "dist/d.min.map"),
            ("dist/e.min.js", "dist/e.min.js.map"),
            ("noextension", "noextension.map"),
        ] {
            assert_eq!(links(&[(script, None)], &[map]), [file(map)], "{script}");
        }
        let remote = [("dist/app.js", Some("https://cdn/x/app.js.map"))];
        let maps = ["dist/app.js.map", "dist/x/app.js.map"];
        assert_eq!(links(&remote, &maps), [file("dist/app.js.map")]);
    }

    #[test]
    fn a_map_that_two_would_guess_is_given_to_none() {
        let ambiguous = MapLink::Ambiguous("g.js.map".to_owned());
        let both = links(&[("g.js", None), ("g.min.js", None)], &["g.js.map"]);
        assert_eq!(both, [ambiguous.clone(), ambiguous.clone()]);
        let named = links(&[("g.js", Some("g.js.map")), ("g.min.js", None)], &["g.js.map"]);
        assert_eq!(named, [file("g.js.map"), ambiguous]);
    }
}
