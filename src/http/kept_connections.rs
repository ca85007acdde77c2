//! Whether a server keeps its connections. Some close each one behind an answer without saying so,
//! and what is sent into that is lost.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// How long after an answer the end of a connection that its server closes has surely arrived: the
/// slowest such server that was measured takes two thirds of it. One that answers in less time than
/// this does not take longer to close.
const CLOSE_NOTICE: Duration = Duration::from_millis(10);
/// How long a connection may be idle before a server may be closing it at this very moment.
const MAX_IDLE: Duration = Duration::from_secs(2);

/// How many connections are told apart: more are not under way at once, and of older ones the system
/// may use the port again.
const MAX_SEEN: usize = 32;

/// What is known of the connections to one server.
#[derive(Default)]
pub(super) struct KeptConnections {
    /// Our ends of those that brought the last answers.
    seen: VecDeque<SocketAddr>,
    answers: usize,
    /// How many of the answers came over a connection that had brought one.
    reuses: usize,
    /// Whether one of them broke.
    is_broken: bool,
    /// When the last answer came, and how long it took.
    last_answer: Option<(Instant, Duration)>,
}

/// Over which connection something goes out that must not be lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ConnectionChoice {
    /// A kept one, if it is still open by then: also a server that keeps them may close this one.
    KeptAfter(Instant),
    /// A fresh one: the server is not known to keep them.
    Fresh,
}

impl KeptConnections {
    /// An answer to what was asked then came over the connection with this end of ours.
    pub(super) fn note_answer(&mut self, asked: Instant, own_end: Option<SocketAddr>) {
        let now = Instant::now();
        (self.last_answer, self.answers) = (Some((now, now - asked)), self.answers + 1);
        match own_end {
            Some(own_end) if self.seen.contains(&own_end) => self.reuses += 1,
            Some(own_end) => self.seen.push_front(own_end),
            None => {}
        }
        self.seen.truncate(MAX_SEEN);
    }

    /// A request brought no answer, perhaps because its connection had been closed.
    pub(super) fn note_loss(&mut self) {
        self.is_broken = true;
    }

    pub(super) fn choice(&self, now: Instant) -> ConnectionChoice {
        let last = self.last_answer.filter(|(last, _)| now - *last < MAX_IDLE);
        // A port that comes again by chance is one in thousands.
        let is_reused = self.reuses > 0 && self.reuses * 4 >= self.answers;
        let is_kept = !self.is_broken && (is_reused || self.answers < 2);
        last.filter(|_| is_kept).map_or(ConnectionChoice::Fresh, |(last, took)| {
            ConnectionChoice::KeptAfter(last + took.min(CLOSE_NOTICE))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: &[u16]) -> (KeptConnections, Instant) {
        let mut kept = KeptConnections::default();
        let asked = Instant::now() - 2 * CLOSE_NOTICE;
        for port in answers {
            kept.note_answer(asked, Some(SocketAddr::from(([127, 0, 0, 1], *port))));
        }
        let last = kept.last_answer.map_or_else(Instant::now, |(last, _)| last);
        (kept, last)
    }

    #[test]
    fn a_kept_connection_is_used_where_the_server_keeps_them() {
        for (answers, is_kept) in [
            (&[][..], false),
            (&[1], true),
            (&[1, 1], true),
            (&[1, 2, 1], true),
            (&[1, 2], false),
            (&[1, 2, 3, 4, 5, 1], false),
        ] {
            let (kept, last) = after(answers);
            let choice = match is_kept {
                true => ConnectionChoice::KeptAfter(last + CLOSE_NOTICE),
                false => ConnectionChoice::Fresh,
            };
            assert_eq!(kept.choice(last), choice, "{answers:?}");
            assert_eq!(kept.choice(last + MAX_IDLE), ConnectionChoice::Fresh, "{answers:?}");
        }
        let (mut kept, last) = after(&[1, 1]);
        kept.last_answer = Some((last, Duration::from_millis(1)));
        let soon = ConnectionChoice::KeptAfter(last + Duration::from_millis(1));
        assert_eq!(kept.choice(last), soon, "a server that is quick closes as quickly");
        kept.note_loss();
        assert_eq!(kept.choice(last), ConnectionChoice::Fresh);
    }
}
