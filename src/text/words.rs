//! Enums whose variants are words of an input, an output or Sentry's API.

/// Declares an enum and says the word of each variant once: `ALL`, `as_str` and `parse` follow.
macro_rules! word_enum {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every variant, in the order of its declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The variant that has exactly this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|variant| variant.as_str() == word)
            }
        }
    };
}

pub(crate) use word_enum;
