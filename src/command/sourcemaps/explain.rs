//! Where a line of a stack leads, or the first reason why it leads nowhere. It only reads.

use super::bundled_frame::{self, BundledFrame};
use super::examine::GroupTexts;
use super::groups::{FileGroup, FileGroups, read_text};
use super::upload::IdLookup;
use crate::build_folder::BuildFile;
use crate::command::RunContext;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::inputs::sourcemaps::SourcemapInputs;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::sourcemap::backend::LookupAnswer;
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::file_url::FileUrl;
use crate::sourcemap::frame::StackFrame;
use crate::sourcemap::map_text::MapText;
use crate::sourcemap::resolve::{ResolvedFrame, resolve};
use crate::text::quote;
use tokio::time::Instant;

/// What the files on disk tell of a frame.
struct DiskFrame {
    script: String,
    id: DebugId,
    resolved: ResolvedFrame,
}

/// What a project tells of a frame.
enum ProjectAnswer {
    Explained(Box<Outcome>),
    /// It has a file, and no more is known.
    Found,
    NotFound,
    /// It cannot be told, and why.
    Unclear(String),
}

/// Why a bundle of the release says nothing of a file.
const ONLY_RELEASE: &str =
    "the release has a bundle, and this token cannot list what all its bundles hold";

impl RunContext<'_> {
    /// `finishline sourcemaps explain`.
    pub(crate) async fn explain(&self, inputs: &Inputs, deadline: Instant) -> Result<Outcome> {
        let given = self.raw_inputs.frame.as_deref().unwrap_or_default();
        let frame = StackFrame::parse(given).ok_or_else(|| no_frame(given))?;
        if !inputs.sourcemaps.is_requested() {
            return self.explain_url(inputs, &frame, deadline).await;
        }
        let found = on_disk(&inputs.sourcemaps, &frame)?;
        let ResolvedFrame { source, line, column, text } = &found.resolved;
        let place = format!("{} {}:{}", found.script, frame.line, frame.column);
        let headline = format!("{place} → {source}:{line}:{column}");
        let mut details = vec![format!("debug id {}", found.id)];
        match text {
            Some(text) => details.insert(0, text.trim().to_owned()),
            None => {
                details.push("the map does not hold the source, so Sentry shows no code".to_owned())
            }
        }
        details.extend(self.known_ids(inputs, &found.id, deadline).await?);
        Ok(Outcome { details, ..Outcome::new(OutcomeStatus::Complete, headline) })
    }

    /// Whether each project finds the script by its id.
    async fn known_ids(
        &self,
        inputs: &Inputs,
        id: &DebugId,
        deadline: Instant,
    ) -> Result<Vec<String>> {
        let Some(mut lookup) = IdLookup::open(self, inputs, deadline).await? else {
            return Ok(vec!["not looked up: set `org`, `projects` and `auth-token`".to_owned()]);
        };
        let mut lines = Vec::new();
        for project in &inputs.release.projects {
            match lookup.finds(project, id).await? {
                LookupAnswer::Found => {
                    lines.push(format!("{project} has a bundle with this debug id"));
                }
                LookupAnswer::NotFound | LookupAnswer::OnlyRelease => {
                    return Err(unknown_id(project, id));
                }
                LookupAnswer::Unsupported => lines.push(format!(
                    "not known whether {project} has this debug id: this server has no look-up"
                )),
                LookupAnswer::Unclear(reason) => {
                    lines.push(format!("not known whether {project} has this debug id: {reason}"))
                }
            }
        }
        Ok(lines)
    }

    /// Without files on disk: whether each project has a file of this URL for the release.
    async fn explain_url(
        &self,
        inputs: &Inputs,
        frame: &StackFrame,
        deadline: Instant,
    ) -> Result<Outcome> {
        let lookup = IdLookup::open(self, inputs, deadline).await?;
        let mut lookup = lookup.ok_or_else(|| {
            Error::new(ErrorCode::NoSourcemaps, "there is nowhere to look for the script")
                .with_hint("set `sourcemaps` to the folder of the build, or `org`, `projects` and `auth-token`")
        })?;
        let url = frame.any_host();
        let mut explained = None;
        for project in &inputs.release.projects {
            match self.explain_in(&mut lookup, inputs, project, frame).await? {
                ProjectAnswer::Explained(outcome) => explained = explained.or(Some(*outcome)),
                ProjectAnswer::Found => {}
                ProjectAnswer::NotFound => {
                    return Err(self.unknown_url(&mut lookup, project, inputs, &url).await);
                }
                ProjectAnswer::Unclear(reason) => return Err(not_told(project, &url, &reason)),
            }
        }
        let headline = format!("{} has a file for {url}", inputs.release.projects.join(", "));
        Ok(explained.unwrap_or_else(|| Outcome::new(OutcomeStatus::Complete, headline)))
    }

    /// What a project tells of a frame, by its URL as it is or as files are named.
    async fn explain_in(
        &self,
        lookup: &mut IdLookup,
        inputs: &Inputs,
        project: &str,
        frame: &StackFrame,
    ) -> Result<ProjectAnswer> {
        let answer = self.explain_as(lookup, inputs, project, frame).await?;
        match (&answer, frame.decoded()) {
            (ProjectAnswer::NotFound, Some(decoded)) => {
                self.explain_as(lookup, inputs, project, &decoded).await
            }
            _ => Ok(answer),
        }
    }

    async fn explain_as(
        &self,
        lookup: &mut IdLookup,
        inputs: &Inputs,
        project: &str,
        frame: &StackFrame,
    ) -> Result<ProjectAnswer> {
        let release = inputs.release.version.as_deref();
        let dist = inputs.sourcemaps.dist.as_deref();
        let answer = lookup.finds_url(project, &frame.any_host(), release, dist).await?;
        match &answer {
            LookupAnswer::Unsupported => {
                return Ok(ProjectAnswer::Unclear("this server has no look-up".to_owned()));
            }
            LookupAnswer::Unclear(reason) => return Ok(ProjectAnswer::Unclear(reason.clone())),
            _ => {}
        }
        // What has debug ids is found without a release, too.
        let bundled = bundled_frame::explain(lookup, project, frame, release).await?;
        Ok(match (answer, bundled) {
            (_, BundledFrame::Explained(outcome)) => ProjectAnswer::Explained(outcome),
            (LookupAnswer::Found, _) => ProjectAnswer::Found,
            (LookupAnswer::OnlyRelease, BundledFrame::Unknown) => {
                ProjectAnswer::Unclear(ONLY_RELEASE.to_owned())
            }
            _ => ProjectAnswer::NotFound,
        })
    }

    /// Why a project has no file of this URL: it may have it for another release or `dist`.
    async fn unknown_url(
        &self,
        lookup: &mut IdLookup,
        project: &str,
        inputs: &Inputs,
        url: &str,
    ) -> Error {
        let release = inputs.release.version.as_deref();
        let given = [
            release.map(|release| format!(" for release {}", quote(release))),
            inputs.sourcemaps.dist.as_ref().map(|dist| format!(" with dist {}", quote(dist))),
        ];
        let given: String = given.into_iter().flatten().collect();
        let message = format!("{project} has no file {}{given}", quote(url));
        let without_dist = lookup.finds_url(project, url, release, None).await;
        let hint = match (inputs.sourcemaps.dist.is_some(), without_dist) {
            (true, Ok(LookupAnswer::Found)) => {
                "it is there without `dist`: upload with the `dist` of `Sentry.init`"
            }
            _ => {
                "compare `url-prefix` with the URL of the frame, and `release` with that of the event; with debug ids neither matters"
            }
        };
        Error::new(ErrorCode::NoSourcemaps, message).with_hint(hint)
    }
}

/// Finds the script of a frame among the files, and resolves the frame by its map.
fn on_disk(inputs: &SourcemapInputs, frame: &StackFrame) -> Result<DiskFrame> {
    // A script that lost its map is still one that the frame may be of.
    let files = FileGroups::find(&SourcemapInputs { allow_empty: true, ..inputs.clone() })?;
    let (group, at) = script_of(&files, inputs, frame)?;
    let name = &group.scripts[at].shown;
    let (id, map) = match files.bytecode.iter().any(|one| std::ptr::eq(one, group)) {
        true => map_of_bytecode(group)?,
        false => map_of_script(group, at)?,
    };
    let bad = |(file, why): (String, String)| bad_file(&file, &why);
    let map = MapText::read(&map).map_err(|fault| bad((name.clone(), fault.to_string())))?;
    let resolved = resolve(&map, frame.line, frame.column).ok_or_else(|| {
        let (line, column) = (frame.line, frame.column);
        let message = format!("{} {line}:{column} leads to no source", quote(name));
        Error::new(ErrorCode::BadSourcemap, message).with_hint(
            "the frame may be of another build of this script, or code that a bundler added",
        )
    })?;
    Ok(DiskFrame { script: name.clone(), id, resolved })
}

fn bad_file(file: &str, why: &str) -> Error {
    Error::new(ErrorCode::BadSourcemap, format!("{}: {why}", quote(file)))
}

fn no_debug_id(name: &str, hint: String) -> Error {
    Error::new(ErrorCode::NoSourcemaps, format!("{} has no debug id", quote(name))).with_hint(hint)
}

/// The debug id of a script, and the text of its map.
fn map_of_script(group: &FileGroup, at: usize) -> Result<(DebugId, String)> {
    let name = &group.scripts[at].shown;
    let bad = |(file, why): (String, String)| bad_file(&file, &why);
    let texts = GroupTexts::read(group).map_err(bad)?;
    let kept = texts.prepare(false).map_err(|fault| bad(group.fault(fault)))?;
    let kept = kept.scripts.into_iter().nth(at);
    let id = kept.as_ref().and_then(|kept| kept.id.clone()).ok_or_else(|| {
        no_debug_id(name, format!("run `finishline sourcemaps` before {name} is deployed"))
    })?;
    let map = kept.as_ref().and_then(|kept| kept.map.text(texts.map.as_deref()));
    let map = map.ok_or_else(|| {
        let message = format!("{} has no source map here", quote(name));
        Error::new(ErrorCode::NoSourcemaps, message).with_hint(format!(
            "leave `sourcemaps` out to look for the map at the server: the script has the debug id {id}"
        ))
    })?;
    Ok((id, map.to_owned()))
}

/// The same of bytecode, whose id is in its map.
fn map_of_bytecode(group: &FileGroup) -> Result<(DebugId, String)> {
    let map = group.map.as_ref().unwrap_or(&group.scripts[0]);
    let text = read_text(&map.file).map_err(|why| bad_file(&map.shown, &why))?;
    let read = MapText::read(&text).map_err(|fault| bad_file(&map.shown, &fault.to_string()))?;
    let id = read.debug_id().ok_or_else(|| {
        no_debug_id(&map.shown, "add Sentry's plugin to `metro.config.js`".to_owned())
    })?;
    Ok((id, text))
}

/// The script whose URL is that of the frame, or whose path ends it.
fn script_of<'a>(
    files: &'a FileGroups,
    inputs: &SourcemapInputs,
    frame: &StackFrame,
) -> Result<(&'a FileGroup, usize)> {
    let url = FileUrl { prefix: &inputs.url_prefix, suffix: &inputs.url_suffix };
    let decoded = frame.decoded();
    let is_its_own = |script: &BuildFile| {
        let address = url.of(&script.below);
        let is_at = |frame: &StackFrame| frame.any_host() == address;
        is_at(frame) || decoded.as_ref().is_some_and(is_at)
    };
    let fit = |script: &BuildFile| match is_its_own(script) {
        true => Some(usize::MAX),
        false => frame.fit(&script.below).or_else(|| decoded.as_ref()?.fit(&script.below)),
    };
    let places = files.groups.iter().chain(&files.bytecode).flat_map(|group| {
        group.scripts.iter().enumerate().map(move |(at, script)| (fit(script), group, at))
    });
    let best = places.max_by_key(|(fit, ..)| *fit).filter(|(fit, ..)| fit.is_some());
    best.map(|(_, group, at)| (group, at)).ok_or_else(|| {
        let paths = inputs.paths.join(", ");
        let message =
            format!("no script in {paths} has a path that {} ends with", quote(&frame.url));
        Error::new(ErrorCode::NoSourcemaps, message)
            .with_hint("give the folder whose scripts are deployed at this URL")
    })
}

fn no_frame(given: &str) -> Error {
    Error::new(ErrorCode::Usage, format!("{} is not a place in a script", quote(given)))
        .with_hint("write URL:LINE:COLUMN, such as \"https://acme.io/js/app.js:1:48213\"")
}

fn not_told(project: &str, url: &str, reason: &str) -> Error {
    let message = format!("cannot tell whether {project} has a file for {url}: {reason}");
    Error::new(ErrorCode::BackendError, message)
        .with_hint("set `sourcemaps` to the folder of the build, and the frame is looked up there")
}

fn unknown_id(project: &str, id: &DebugId) -> Error {
    let message = format!("{project} has no file with the debug id {id}");
    Error::new(ErrorCode::NoSourcemaps, message).with_hint(
        "upload these files: `finishline sourcemaps DIR`; for another project or organization, correct `projects` and `org`",
    )
}
