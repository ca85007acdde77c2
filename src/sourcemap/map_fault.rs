//! What a source map can be wrong in.

use super::mappings::BrokenMappings;
use std::fmt;

/// Why a text is no source map that can be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapFault {
    /// It is no JSON, or its fields are of other types than a map's; with what the reader says.
    Unreadable(String),
    /// It is JSON, but neither `mappings` nor `sections` are in it.
    NotAMap,
    /// A section names its map by a URL, or has sections itself.
    UnknownSection,
    /// Its `mappings` are broken.
    Mappings(BrokenMappings),
}

impl fmt::Display for MapFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it is not a source map: {why}"),
            Self::NotAMap => f.write_str("it is not a source map: it has no `mappings`"),
            Self::UnknownSection => {
                f.write_str("a section of it has no map inside, or one with sections of its own")
            }
            Self::Mappings(BrokenMappings { line }) => {
                write!(f, "its `mappings` are invalid for line {} of the script", line + 1)
            }
        }
    }
}
