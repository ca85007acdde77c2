//! The files that the inputs name, or leave to their defaults: none of them may be an output.

use crate::database::path;
use crate::env::Env;
use crate::inputs::compat::version_file;
use crate::inputs::raw::RawInputs;
use crate::os::files;
use crate::output::paths::RunPaths;

/// Adds the files that are known before anything is read; the others follow as they are.
pub(crate) fn add(paths: &RunPaths, raw: &RawInputs, env: &Env) {
    let named = |input| raw.get(input).map(|given| given.text.expose());
    if let Ok(database) = path::resolve_path(named("database"), env) {
        let beside = [&path::FILES[1..], &[path::TOKENS_FILE]].concat();
        paths.add_store("database", &database.to_string_lossy(), &beside);
    }
    if let Some(path) = named("resume-file") {
        paths.add_store("resume-file", path, &[files::LOCK_SUFFIX]);
    }
    for input in ["manifest", "ca-file", "plan"] {
        named(input).into_iter().for_each(|path| paths.add_input(input, path));
    }
    let version = named("release").and_then(version_file::path);
    version.into_iter().for_each(|path| paths.add_input("release", path));
    for variable in ["GITHUB_EVENT_PATH", "SENTRY_PROPERTIES"] {
        env.get(variable).into_iter().for_each(|path| paths.add_input(variable, path));
    }
}
