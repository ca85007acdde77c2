//! The commands of a shell script with their places, as far as a POSIX shell's words go.

use super::shell_scan::{MAX_NESTING, ansi_quote_end, dollar_end, word_end, word_scan};
use std::ops::Range;

/// A word as it is written, with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShellWord {
    pub(super) raw: String,
    pub(super) span: Range<usize>,
}

/// What stands between two commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CommandSeparator {
    /// The end of a line, `;`, or the end of the text.
    #[default]
    End,
    And,
    Or,
    /// A pipe, a background job or the edge of a group.
    Other,
}

/// One command.
#[derive(Clone, Debug, Default)]
pub(super) struct ShellCommand {
    pub(super) span: Range<usize>,
    /// The assignments before it, or alone.
    pub(super) assignments: Vec<(String, String)>,
    pub(super) words: Vec<ShellWord>,
    pub(super) is_redirected: bool,
    /// Where it is redirected, with the sign and without quotes and braces.
    pub(super) targets: Vec<String>,
    /// Whether the name or the text of a redirection may assign a variable, as `${V:=x}` does.
    pub(super) may_assign: bool,
    /// Whether it stands within `if`, a loop, a function, a group or a substitution.
    pub(super) is_nested: bool,
    /// Whether it stands within a substitution of another command.
    pub(super) is_substitution: bool,
    /// Whether it is the name of a function that is defined here, and nothing that runs.
    pub(super) is_definition: bool,
    pub(super) before: CommandSeparator,
    pub(super) after: CommandSeparator,
}

impl ShellCommand {
    /// The word at this place without quotes, if it has no variables.
    pub(super) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.raw.trim_matches(['"', '\'']))
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.assignments.is_empty()
    }
}

/// Words after which a command follows, with what they do to the nesting.
const KEYWORDS: &[(&str, i32)] = &[
    ("if", 1),
    ("then", 0),
    ("else", 0),
    ("elif", 0),
    ("fi", -1),
    ("for", 1),
    ("while", 1),
    ("until", 1),
    ("select", 1),
    ("do", 0),
    ("done", -1),
    ("case", 1),
    ("esac", -1),
    ("{", 1),
    ("}", -1),
    ("!", 0),
];

/// Reads the commands of a script in their order, those of a substitution before the command that
/// has it.
pub(super) fn read(text: &str) -> Vec<ShellCommand> {
    read_all(text).commands
}

/// Where quotes and expansions of a script are nested too deep to be read.
pub(super) fn excess_nesting(text: &str) -> Option<usize> {
    read_all(text).excess
}

fn read_all(text: &str) -> ShellReader<'_> {
    let mut reader = ShellReader { text, ..ShellReader::default() };
    reader.read_range(0..text.len());
    reader
}

#[derive(Default)]
struct ShellReader<'a> {
    text: &'a str,
    commands: Vec<ShellCommand>,
    open: ShellCommand,
    depth: i32,
    parentheses: i32,
    substitutions: usize,
    /// Where the first word begins that is nested too deep.
    excess: Option<usize>,
    heredocs: Vec<String>,
    /// Whether a keyword made the next command one of a condition, as `!` does.
    is_condition: bool,
    before: CommandSeparator,
}

impl ShellReader<'_> {
    fn read_range(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            at = self.step(at, range.end);
        }
        self.close(CommandSeparator::End);
    }

    /// Reads one thing at a place; where the next one begins.
    fn step(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.text[at..end];
        let starts = |text: &str| rest.starts_with(text);
        let next = rest.chars().next().unwrap_or(' ');
        if starts("\\\n") || starts("\\\r\n") {
            return at + rest.find('\n').map_or(1, |line| line + 1);
        }
        match next {
            '\n' => self.end_line(at + 1, end),
            c if c.is_whitespace() => at + c.len_utf8(),
            '#' => at + rest.find('\n').unwrap_or(rest.len()),
            '&' if starts("&&") => self.separate(CommandSeparator::And, at + 2),
            '|' if starts("||") => self.separate(CommandSeparator::Or, at + 2),
            '&' if starts("&>") => self.redirect(at + 1, end),
            '&' => self.separate(CommandSeparator::Other, at + 1),
            '|' => self.separate(CommandSeparator::Other, at + 1),
            ';' => self.separate(CommandSeparator::End, at + 1),
            '(' | ')' => self.parenthesis(next, at),
            '<' | '>' => self.redirect(at, end),
            _ => self.word(at, end),
        }
    }

    fn separate(&mut self, separator: CommandSeparator, next: usize) -> usize {
        self.close(separator);
        next
    }

    /// A group's edge; the `()` of a function, and the one of a pattern, which opens nothing.
    fn parenthesis(&mut self, which: char, at: usize) -> usize {
        if which == '(' {
            let is_function = self.text[at..].starts_with("()");
            self.open.is_definition = is_function;
            self.close(CommandSeparator::Other);
            if is_function {
                return at + 2;
            }
            self.parentheses += 1;
            self.depth += 1;
        } else {
            self.close(CommandSeparator::Other);
            if self.parentheses > 0 {
                self.parentheses -= 1;
                self.depth -= 1;
            }
        }
        at + 1
    }

    /// A redirection with its target; the text of a here-document follows the line.
    fn redirect(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.text[at..end];
        let sign = rest.len() - rest.trim_start_matches(['<', '>', '&', '|', '-']).len();
        let operator = &rest[..sign];
        // `<< parameters.x >>` of CircleCI is a value.
        let line = rest.lines().next().unwrap_or_default();
        if let Some(close) = line.strip_prefix("<< ").and_then(|line| line.find(" >>")) {
            return self.push_word(at, at + 3 + close + 3);
        }
        self.open.is_redirected = true;
        let target =
            at + sign + (rest[sign..].len() - rest[sign..].trim_start_matches([' ', '\t']).len());
        let target_end = self.word_end(target, end);
        let written = &self.text[target..target_end];
        self.open.may_assign |= may_assign(written);
        self.open.targets.push(format!("{operator}{written}").replace(['"', '{', '}'], ""));
        if matches!(operator, "<<" | "<<-") {
            self.heredocs.push(self.text[target..target_end].replace(['"', '\'', '\\'], ""));
        }
        target_end.max(at + sign.max(1))
    }

    /// The end of a line, behind the here-documents that were announced in it.
    fn end_line(&mut self, at: usize, end: usize) -> usize {
        self.close(CommandSeparator::End);
        let mut at = at;
        for mark in std::mem::take(&mut self.heredocs) {
            for line in self.text[at.min(end)..end].split_inclusive('\n') {
                at += line.len();
                if line.trim() == mark {
                    break;
                }
                if let Some(command) = self.commands.last_mut() {
                    command.may_assign |= may_assign(line);
                }
            }
        }
        at
    }

    fn word(&mut self, at: usize, end: usize) -> usize {
        let word_end = self.word_end(at, end).max(at + 1);
        let raw = &self.text[at..word_end];
        let is_number = raw.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && self.text[word_end..end].starts_with(['<', '>']) {
            return word_end;
        }
        if self.open.is_empty() && raw == "function" {
            return self.function_name(word_end, end);
        }
        if self.open.is_empty()
            && let Some((_, depth)) = KEYWORDS.iter().find(|(word, _)| *word == raw)
        {
            self.depth = (self.depth + depth).max(0);
            self.is_condition = raw == "!";
            return word_end;
        }
        self.read_substitutions(at..word_end);
        self.push_word(at, word_end)
    }

    fn word_end(&mut self, at: usize, end: usize) -> usize {
        let scan = word_scan(self.text, at, end);
        if scan.is_too_deep {
            self.excess.get_or_insert(at);
        }
        scan.at
    }

    /// The name behind `function`, with the `()` that may follow it.
    fn function_name(&mut self, at: usize, end: usize) -> usize {
        let rest = &self.text[at..end];
        let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let name_end = word_end(self.text, start, end);
        if name_end > start {
            self.push_word(start, name_end);
            self.open.is_definition = true;
            self.close(CommandSeparator::Other);
        }
        let rest = &self.text[name_end..end];
        let behind = rest.trim_start_matches([' ', '\t']);
        if behind.starts_with("()") { end - behind.len() + 2 } else { name_end.max(at) }
    }

    fn push_word(&mut self, at: usize, end: usize) -> usize {
        let raw = self.text[at..end].to_owned();
        if self.open.is_empty() {
            self.open.span.start = at;
        }
        self.open.span.end = end;
        match assignment(&raw).filter(|_| self.open.words.is_empty()) {
            Some((name, value)) => self.open.assignments.push((name.to_owned(), value.to_owned())),
            None => self.open.words.push(ShellWord { raw, span: at..end }),
        }
        end
    }

    /// Reads the commands in `$(…)` and between backticks.
    fn read_substitutions(&mut self, range: Range<usize>) {
        if self.substitutions == MAX_NESTING {
            self.excess.get_or_insert(range.start);
            return;
        }
        for inner in substitutions(self.text, range) {
            let mut reader = ShellReader {
                text: self.text,
                substitutions: self.substitutions + 1,
                ..ShellReader::default()
            };
            reader.read_range(inner);
            self.commands.append(&mut reader.commands);
            self.excess = self.excess.or(reader.excess);
        }
    }

    fn close(&mut self, separator: CommandSeparator) {
        let mut command = std::mem::take(&mut self.open);
        if !command.is_empty() {
            command.is_substitution = self.substitutions > 0;
            command.is_nested = self.depth > 0 || self.is_condition || command.is_substitution;
            command.before = self.before;
            command.after = separator;
            self.commands.push(command);
            self.is_condition = false;
            self.before = separator;
        } else if separator == CommandSeparator::Other {
            self.before = separator;
        }
    }
}

/// Whether an expansion in a text may assign a variable.
fn may_assign(text: &str) -> bool {
    text.contains("${") && text.contains('=') || text.contains("$((") || text.contains("$[")
}

/// `NAME=VALUE`, as it is written.
pub(super) fn assignment(raw: &str) -> Option<(&str, &str)> {
    let (name, value) = raw.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (starts && name.chars().all(is_name)).then_some((name, value))
}

/// What stands within each `$(…)` and each pair of backticks of a word.
fn substitutions(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = range.start;
    let mut is_single_quoted = false;
    let mut is_double_quoted = false;
    while at < range.end {
        let rest = &text[at..range.end];
        let next = rest.chars().next().unwrap_or(' ');
        let skip = match next {
            '\\' if !is_single_quoted => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            '$' if !is_single_quoted && !is_double_quoted && rest.starts_with("$'") => {
                ansi_quote_end(text, at, range.end) - at
            }
            '\'' if !is_double_quoted => {
                is_single_quoted = !is_single_quoted;
                1
            }
            '"' if !is_single_quoted => {
                is_double_quoted = !is_double_quoted;
                1
            }
            '$' if !is_single_quoted && rest.starts_with("$(") && !rest.starts_with("$((") => {
                let end = dollar_end(text, at, range.end);
                if text[at..end].ends_with(')') {
                    found.push(at + 2..end - 1);
                }
                end - at
            }
            '`' if !is_single_quoted => {
                let close = rest[1..].find('`').map_or(rest.len(), |close| close + 1);
                found.push(at + 1..at + close);
                (close + 1).min(rest.len())
            }
            other => other.len_utf8(),
        };
        at += skip.max(1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let words =
            |command: ShellCommand| command.words.into_iter().map(|word| word.raw).collect();
        read(text).into_iter().map(words).collect()
    }

    #[test]
    fn words_keep_their_quotes_and_lines_go_on_behind_a_backslash() {
        let text = "a \\\n  --x \"$V and $(b c) 'd'\" \\\r\n  'e f' g\\ h ${X:-y z} # note\ni";
        let expected: [&[&str]; 3] = [
            &["b", "c"],
            &["a", "--x", "\"$V and $(b c) 'd'\"", "'e f'", "g\\ h", "${X:-y z}"],
            &["i"],
        ];
        assert_eq!(words(text), expected);
    }

    #[test]
    fn commands_have_their_separators_and_nesting() {
        let text = "a && b || true; c | d\nif ! e; then f; fi\ng() { h; }\nV=$(i) j\ncase x in y) k;; esac\n( l )\nm";
        let commands = read(text);
        let nested: Vec<_> = commands
            .iter()
            .filter(|command| command.is_nested)
            .map(|command| command.word(0))
            .collect();
        assert_eq!(nested, ["e", "f", "h", "i", "x", "k", "l"]);
        assert_eq!(commands[0].after, CommandSeparator::And);
        assert_eq!(commands[1].after, CommandSeparator::Or);
        assert_eq!(commands[3].after, CommandSeparator::Other);
        assert!(!commands.last().unwrap().is_nested);
    }

    #[test]
    fn documents_and_redirections_are_no_words() {
        let text =
            "cat > x <<'EOF'\nsentry-cli a\nEOF\nb 2>&1 >/dev/null ${{ a || 'b c' }}\n<< p.x >> c";
        let expected: [&[&str]; 3] = [&["cat"], &["b", "${{ a || 'b c' }}"], &["<< p.x >>", "c"]];
        assert_eq!(words(text), expected);
    }
}
