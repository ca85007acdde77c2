//! Numbers of a script and of its source, which minifiers write in another form: `6e4` for `60000`.

/// A number as JavaScript writes it, with its place in an expression.
pub(super) struct NumberLiteral {
    value: f64,
    /// Whether an operator stands beside it: then a compiler may have put their result there.
    is_operand: bool,
}

/// Longer ones are not read.
const MAX_LITERAL: usize = 64;
/// How far beside one an operator is looked for.
const MAX_SPACE: usize = 8;

impl NumberLiteral {
    /// The one that `text` begins with, behind the text `before` of its line; none where it begins with none.
    pub(super) fn read(before: &str, text: &str) -> Option<Self> {
        if !text.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
            return None;
        }
        let length = length(text.as_bytes());
        let literal = text.get(..length).filter(|_| length <= MAX_LITERAL)?;
        let is_no_space = |character: &char| !character.is_whitespace();
        let previous = before.chars().rev().take(MAX_SPACE).find(is_no_space);
        let next = text[length..].chars().take(MAX_SPACE).find(is_no_space);
        let is_operand = [previous, next].into_iter().flatten().any(is_operator);
        Some(Self { value: value(literal)?, is_operand })
    }

    /// Whether it is the number of the source; none where it may be what was calculated of it.
    pub(super) fn is_of(&self, source: &Self) -> Option<bool> {
        let is_same = self.value == source.value
            // Digits of large ones are rounded, by us and by tools.
            || (self.value - source.value).abs() <= source.value.abs() * 1e-12;
        (is_same || !source.is_operand).then_some(is_same)
    }
}

/// How many bytes of a text that begins with a number are the number.
fn length(text: &[u8]) -> usize {
    let is_decimal = !matches!(text, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let is_part = |(at, byte): &(usize, &u8)| match byte {
        b'.' => is_decimal,
        b'+' | b'-' => is_decimal && *at > 0 && matches!(text[at - 1], b'e' | b'E'),
        _ => byte.is_ascii_alphanumeric() || **byte == b'_',
    };
    text.iter().enumerate().take(MAX_LITERAL + 1).take_while(is_part).count()
}

fn is_operator(character: char) -> bool {
    matches!(character, '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '~' | '<' | '>')
}

fn value(literal: &str) -> Option<f64> {
    let digits = literal.replace('_', "");
    let digits = digits.strip_suffix('n').unwrap_or(&digits);
    let radix = match digits.get(..2).unwrap_or_default() {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return decimal(digits),
    };
    of_radix(&digits[2..], radix)
}

/// The value of digits that may be an old octal number, such as `0755`.
fn decimal(digits: &str) -> Option<f64> {
    let is_octal = digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|digit| (b'0'..b'8').contains(&digit));
    if is_octal { of_radix(digits, 8) } else { digits.parse().ok() }
}

fn of_radix(digits: &str, radix: u32) -> Option<f64> {
    let add = |value: f64, digit: char| {
        Some(value * f64::from(radix) + f64::from(digit.to_digit(radix)?))
    };
    (!digits.is_empty()).then_some(())?;
    digits.chars().try_fold(0.0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(script: &str, source: &str) -> Option<bool> {
        let read = |text: &str| {
            let (before, text) =
                text.split_at(text.find(|c: char| c.is_ascii_digit() || c == '.')?);
            NumberLiteral::read(before, text)
        };
        read(script)?.is_of(&read(source)?)
    }

    #[test]
    fn numbers_are_compared_by_their_value() {
        for (script, source) in [
            ("6e4", "60000"),
            ("12288", "0x3000"),
            (".5;", "0.5;"),
            ("1e6)", "1_000_000)"),
            ("16n", "0x10n"),
            ("493", "0o755"),
            ("493,", "0755,"),
            ("10,", "0b1010,"),
            ("1e-7", "0.0000001"),
            ("1e21", "1000000000000000000000"),
            ("12884901888", "0x300000000"),
            ("0xfffffffffffff800", "18446744073709549568"),
        ] {
            assert_eq!(compared(script, source), Some(true), "{script} of {source}");
        }
        assert_eq!(compared("6e4", "60001"), Some(false));
        assert_eq!(compared("0x3001", "12288"), Some(false));
    }

    #[test]
    fn a_result_of_numbers_tells_nothing_of_them() {
        for source in ["60 * 1000", "x = 1 + 1000", "8 << 20", "2 ** 10", "-1000", "~7"] {
            assert_eq!(compared("987654", source), None, "{source}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_value() {
        for text in ["", ".", "..", "0x", "0xg", "0b2", "1.2.3", "1e", "9z", "_1", "é", "n"] {
            assert!(NumberLiteral::read("", text).is_none(), "{text}");
        }
    }
}
