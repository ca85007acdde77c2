//! What a person at a terminal sees of what takes long: lines below the log, drawn anew while they
//! change. No CI log has them, and no file.

use super::{color, progress_line, standard_error};
use crate::env::Env;
use crate::inputs::{LogLevel, OutputFormat, OutputOptions};
use crate::job::Job;
use crate::os::activity;
use crate::text::scrubber::SecretScrubber;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// After how long an activity is shown.
const LEAST: Duration = Duration::from_secs(1);
/// How often the lines are drawn anew.
const FRAME: Duration = Duration::from_millis(100);
/// A spinner that every terminal can show, then the words.
const TEMPLATE: &str = "{spinner} {msg}";
const SPINNER: &str = "|/-\\ ";
/// The columns that the spinner takes, and the last one, in which some terminals wrap.
const MARGIN: u16 = 3;

/// The progress that is shown, where one is.
static SHOWN: Mutex<Option<ShownProgress>> = Mutex::new(None);

/// The lines, and the thread that draws them.
struct ShownProgress {
    all: MultiProgress,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// The lines below the log.
struct DrawnLines {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
    style: ProgressStyle,
}

/// Shows progress from here to [`end`], where a person sees it.
pub fn start(options: &OutputOptions, job: &Job, env: &Env, scrubber: SecretScrubber) {
    if !is_shown(options, job, env) {
        return;
    }
    let target = ProgressDrawTarget::term_like(Box::<ProgressTerminal>::default());
    let all = MultiProgress::with_draw_target(target);
    let style = ProgressStyle::with_template(TEMPLATE);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner()).tick_chars(SPINNER);
    let lines = DrawnLines { all: all.clone(), bars: Vec::new(), style };
    let (stop, stopped) = channel();
    // Without a thread to spare nothing is shown.
    let started = Builder::new().spawn(move || draw(lines, &scrubber, &stopped));
    if let Ok(thread) = started {
        activity::watch(true);
        *locked(&SHOWN) = Some(ShownProgress { all, stop, thread });
    }
}

/// Takes the lines away for good.
pub fn end() {
    let Some(shown) = locked(&SHOWN).take() else { return };
    activity::watch(false);
    drop(shown.stop);
    drop(shown.thread.join());
}

/// Writes to the terminal above the lines.
pub(super) fn above<T>(write: impl FnOnce() -> T) -> T {
    let all = locked(&SHOWN).as_ref().map(|shown| shown.all.clone());
    match all {
        Some(all) => all.suspend(write),
        None => write(),
    }
}

/// Only a person who looks at standard error, and has not asked for quiet, gets progress; no CI system
/// does, whatever `ci` says that it speaks like.
fn is_shown(options: &OutputOptions, job: &Job, env: &Env) -> bool {
    std::io::stderr().is_terminal()
        && !options.host.is_ci()
        && !job.host.is_ci()
        && !matches!(options.log_level, LogLevel::Off | LogLevel::Error)
        && matches!(options.log_format, OutputFormat::Text)
        && color::is_capable(env)
        && env.get("SENTRY_NO_PROGRESS_BAR").is_none()
}

/// Draws what is under way until nobody holds the other end of `stopped`.
fn draw(mut lines: DrawnLines, scrubber: &SecretScrubber, stopped: &Receiver<()>) {
    while stopped.recv_timeout(FRAME) == Err(RecvTimeoutError::Timeout) {
        let width = ProgressTerminal::default().width().saturating_sub(MARGIN);
        let under_way = activity::under_way(LEAST);
        let texts = progress_line::lines(&under_way, Instant::now(), width.into(), scrubber);
        lines.show(&texts);
    }
    lines.show(&[]);
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DrawnLines {
    fn show(&mut self, texts: &[String]) {
        let surplus = self.bars.len().saturating_sub(texts.len());
        for bar in self.bars.drain(..surplus) {
            self.all.remove(&bar);
        }
        if surplus > 0 {
            // What is removed stays on the screen until all is drawn.
            self.all.suspend(|| ());
        }
        while self.bars.len() < texts.len() {
            let bar = ProgressBar::no_length().with_style(self.style.clone());
            self.bars.push(self.all.add(bar));
        }
        for (bar, text) in self.bars.iter().zip(texts) {
            bar.set_message(text.clone());
            bar.tick();
        }
    }
}

/// The terminal behind standard error. Each drawing is one write, as patient as the log is.
#[derive(Debug, Default)]
struct ProgressTerminal(Mutex<String>);

impl ProgressTerminal {
    fn push(&self, text: &str) -> std::io::Result<()> {
        locked(&self.0).push_str(text);
        Ok(())
    }

    fn push_move(&self, count: usize, direction: char) -> std::io::Result<()> {
        if count == 0 { Ok(()) } else { self.push(&format!("\u{1b}[{count}{direction}")) }
    }
}

impl TermLike for ProgressTerminal {
    fn width(&self) -> u16 {
        console::Term::stderr().size().1
    }

    fn height(&self) -> u16 {
        console::Term::stderr().size().0
    }

    fn move_cursor_up(&self, count: usize) -> std::io::Result<()> {
        self.push_move(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> std::io::Result<()> {
        self.push_move(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> std::io::Result<()> {
        self.push_move(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> std::io::Result<()> {
        self.push_move(count, 'D')
    }

    fn write_line(&self, text: &str) -> std::io::Result<()> {
        self.push(text)?;
        self.push("\n")
    }

    fn write_str(&self, text: &str) -> std::io::Result<()> {
        self.push(text)
    }

    fn clear_line(&self) -> std::io::Result<()> {
        self.push("\r\u{1b}[2K")
    }

    fn flush(&self) -> std::io::Result<()> {
        standard_error::write_patiently(&std::mem::take(&mut *locked(&self.0)));
        Ok(())
    }
}
