//! Request methods.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! methods {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// A request method. Methods compare with case (RFC 3261 §7.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// Any other; `Message::method_str` has its name.
            Other,
        }

        impl Method {
            /// How many variants there are; `method as usize` is below it.
            pub const COUNT: usize = [$($text,)* "OTHER"].len();
            /// All variants, in the order of their numbers.
            pub const ALL: [Method; Self::COUNT] = [$(Self::$variant,)* Self::Other];

            /// The name on the wire; `OTHER` for [`Method::Other`].
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* Self::Other => "OTHER" }
            }

            /// The method of that name.
            #[must_use]
            pub fn of(name: &str) -> Self {
                match name { $($text => Self::$variant,)* _ => Self::Other }
            }
        }
    };
}

methods! {
    Invite "INVITE",
    Ack "ACK",
    Bye "BYE",
    Cancel "CANCEL",
    Register "REGISTER",
    Options "OPTIONS",
    Info "INFO",
    Update "UPDATE",
    Prack "PRACK",
    Subscribe "SUBSCRIBE",
    Notify "NOTIFY",
    Refer "REFER",
    Message "MESSAGE",
    Publish "PUBLISH",
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
