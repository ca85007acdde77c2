//! What is told of an upload while it is under way.

/// How far an upload is, for whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStage {
    /// So many of the chunks that the server lacks are sent.
    Sending {
        /// How many the server has taken.
        sent: usize,
        /// How many there are.
        total: usize,
    },
    /// The server puts the bundle together.
    Processing,
}
