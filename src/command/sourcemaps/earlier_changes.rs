//! What an earlier run changed of files that stay now: it may have been killed before it renewed what is
//! beside them, or was not asked to.

use super::ExaminedSourcemaps;
use super::examine::GroupChange;
use super::groups::{FileGroup, read_text};
use super::write::WrittenFiles;
use crate::build_folder::{BuildFile, neighbours};
use crate::os::parallel;
use crate::outcome::sourcemaps::ExaminedScript;
use crate::sourcemap::earlier::{earlier_map, earlier_texts, lines_before};

/// A group, and what was decided of it.
struct DecidedGroup<'a> {
    files: &'a FileGroup,
    scripts: &'a [ExaminedScript],
    change: &'a GroupChange,
}

impl DecidedGroup<'_> {
    fn leaves_map(&self) -> bool {
        self.files.map.is_some() && self.change.leaves(self.files.scripts.len())
    }

    fn leaves_a_file(&self) -> bool {
        self.leaves_map() || self.scripts.iter().any(|script| !script.is_new)
    }
}

impl ExaminedSourcemaps<'_> {
    /// The files, with the hashes that they may have had.
    pub(super) fn earlier_changes(&self) -> WrittenFiles {
        let (mut rest, mut groups) = (self.progress.scripts.as_slice(), Vec::new());
        for (files, (count, change)) in self.groups.iter().zip(&self.changes) {
            let (scripts, others) = rest.split_at(*count);
            rest = others;
            groups.push(DecidedGroup { files, scripts, change });
        }
        // On a first run every file changes, and nothing has to be read for this.
        groups.retain(DecidedGroup::leaves_a_file);
        let mut earlier = WrittenFiles::default();
        if self.has_neighbours() {
            let each = parallel::map(&groups, |group| self.earlier_change(group));
            each.into_iter().for_each(|one| earlier.extend(one));
            let others = &self.files.folder.others;
            earlier.files.extend(neighbours::outdated(others, &self.index));
        }
        earlier
    }

    fn earlier_change(&self, group: &DecidedGroup<'_>) -> WrittenFiles {
        let mut earlier = WrittenFiles::default();
        let map = group.files.map.as_ref().filter(|_| group.leaves_map());
        let map = map.and_then(|map| Some((map, read_text(&map.file).ok()?)));
        for (script, examined) in group.files.scripts.iter().zip(group.scripts) {
            let Ok(text) = read_text(&script.file) else { continue };
            if !examined.is_new {
                let map = script.file.file_name().unwrap_or_default().to_string_lossy();
                let texts = earlier_texts(&text, &format!("{map}.map"));
                self.note_earlier(&mut earlier, script, &text, &texts);
            }
            if let (Some((file, map)), Some(id)) = (&map, &examined.id)
                && let Some(old) = earlier_map(map, id, lines_before(&text))
            {
                self.note_earlier(&mut earlier, file, map, &[old]);
            }
        }
        earlier
    }

    fn note_earlier(
        &self,
        earlier: &mut WrittenFiles,
        file: &BuildFile,
        text: &str,
        texts: &[String],
    ) {
        if neighbours::has_old_copy(&self.files.folder.others, &file.file, text) {
            earlier.files.insert(file.file.clone());
        }
        for old in texts.iter().filter(|old| *old != text) {
            self.index.add_changed(&mut earlier.hashes, &file.file, old.as_bytes());
        }
    }
}
