//! `[trunks.register]` and `[trunks.auth]`: carriers that want us to register, or to show a password.

use crate::section::{At, Section};
use crate::service::host_name;
use crate::sink::both;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Keys of which one holds the password.
const PASSWORDS: [&str; 3] = ["password", "password_file", "password_env"];
/// Words of `contact`.
const CONTACTS: [(&str, Contact); 2] = [("own", Contact::Own), ("as_seen", Contact::AsSeen)];
/// Shortest, usual and longest interval that is asked for.
const EXPIRES: (Duration, Duration, Duration) = (
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_secs(86_400),
);

/// How we register at a trunk's carrier (RFC 3261 §10.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Register {
    /// User part of the address of record, and of our Contact.
    pub user: String,
    /// Host of the address of record, and Request-URI of REGISTER: the carrier's identity domain.
    pub domain: String,
    /// Where REGISTER goes; where calls go if absent.
    pub registrar: Option<SocketAddr>,
    /// The interval that is asked for, 60 s to a day.
    pub expires: Duration,
    /// The address in our Contact.
    pub contact: Contact,
}

/// Without the user, which is a number.
impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register")
            .field("domain", &self.domain)
            .field("registrar", &self.registrar)
            .field("expires", &self.expires)
            .field("contact", &self.contact)
            .finish_non_exhaustive()
    }
}

/// The address in our Contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contact {
    /// Our own, as it is bound or advertised.
    #[default]
    Own,
    /// The one that the registrar sees us at, behind a NAT.
    AsSeen,
}

/// User and password for a carrier's challenges.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name of the digest.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Shows neither.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// A password, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Itself.
    Text(String),
    /// The first line of a file; a relative path counts from the working directory.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

/// Shows where it is, never what.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("***"),
            Self::File(path) => write!(f, "file {path:?}"),
            Self::Variable(name) => write!(f, "variable {name:?}"),
        }
    }
}

impl Secret {
    /// The password; empty as long as it is somewhere else.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::File(_) | Self::Variable(_) => "",
        }
    }

    /// True for a text that may be a password: not empty, 256 bytes at most, no control characters.
    #[must_use]
    pub fn fits(text: &str) -> bool {
        !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control)
    }
}

/// Reads both tables of a trunk.
pub(crate) fn read(trunk: &Section<'_>) -> (Option<Register>, Option<Login>) {
    let auth = trunk.table("auth", "[trunks.auth]");
    let Some(section) = trunk.table("register", "[trunks.register]") else {
        return (None, auth.and_then(login_alone));
    };
    if let Some(auth) = auth {
        trunk.sink().error(
            &auth.span,
            both!(
                "[trunks.auth] 与 [trunks.register] 只能有一个",
                "only one of [trunks.auth] and [trunks.register] is possible"
            ),
            both!(
                "注册用的用户名和密码也用于呼叫",
                "calls show the user and password of the registration"
            ),
        );
    }
    let found = register(&section);
    section.finish();
    found.map_or((None, None), |(register, login)| {
        (Some(register), Some(login))
    })
}

fn login_alone(section: Section<'_>) -> Option<Login> {
    let user = section.need_text("user", "\"12356\"");
    let user = user.and_then(|user| user_of(&section, "user", true, &user));
    let password = password(&section);
    section.finish();
    Some(Login {
        user: user?,
        password: password?,
    })
}

fn register(section: &Section<'_>) -> Option<(Register, Login)> {
    let user = section.need_text("user", "\"+8685112356\"");
    let user = user.and_then(|user| user_of(section, "user", false, &user));
    let auth_user = section.full_text("auth_user", "\"12356@ims.example.cn\"");
    let auth_user = auth_user.map(|it| user_of(section, "auth_user", true, &it));
    let password = password(section);
    if section.raw("domain").is_none() {
        section.missing("domain", "\"ims.example.cn\"");
    }
    let domain = host_name(section, "domain");
    let registrar = section.socket("registrar");
    if let Some(at) = registrar.as_ref().filter(|at| at.value.port() == 0) {
        section.sink().error(
            &at.span,
            both!("registrar 的端口不能是 0", "registrar must not have port 0"),
            both!("一般是 5060", "5060 as a rule"),
        );
    }
    let expires = section.duration("expires", EXPIRES.0..=EXPIRES.2);
    let contact = section.choice("contact", &CONTACTS);
    let user = user?;
    let login = Login {
        user: auth_user.unwrap_or_else(|| Some(user.clone()))?,
        password: password?,
    };
    let register = Register {
        user,
        domain: domain?,
        registrar: registrar.map(|at| at.value),
        expires: expires.map_or(EXPIRES.1, |at| at.value),
        contact: contact.unwrap_or_default(),
    };
    Some((register, login))
}

/// A user name that may stand between quotes, and without `@` in a URI.
fn user_of(
    section: &Section<'_>,
    key: &'static str,
    at_sign: bool,
    text: &At<&str>,
) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+-_.!~*'()".contains(&b);
    let fits = |b: u8| plain(b) || (at_sign && b == b'@');
    let fits = text.value.len() <= 64 && text.value.bytes().all(fits);
    section.parsed(
        key,
        text,
        fits.then(|| text.value.to_owned()),
        (
            "用户名（字母、数字和 + - _ .，最多 64 个）",
            "a user name (letters, digits and + - _ ., at most 64)",
        ),
        "\"+8685112356\"",
    )
}

/// The password of one of three keys.
fn password(section: &Section<'_>) -> Option<Secret> {
    let [text, file, variable] = PASSWORDS.map(|key| {
        let example = match key {
            "password_file" => "\"carrier.password\"",
            "password_env" => "\"CARRIER_PASSWORD\"",
            _ => "\"请换成运营商给的密码\"",
        };
        section.full_text(key, example)
    });
    let given = PASSWORDS.iter().filter(|key| section.raw(key).is_some());
    match given.count() {
        0 => section.missing("password", "\"请换成运营商给的密码\""),
        1 => {}
        _ => {
            section.sink().error(
                &section.span,
                both!(
                    "password、password_file、password_env 只能有一个",
                    "only one of password, password_file and password_env is possible"
                ),
                both!("留下一个", "leave one"),
            );
            return None;
        }
    }
    if let Some(text) = &text
        && !Secret::fits(text.value)
    {
        // The value is not repeated: it may be most of a password.
        section.sink().error(
            &text.span,
            both!(
                "password 不能用：最多 256 字节，不含控制字符",
                "password cannot be used: at most 256 bytes, no control characters"
            ),
            both!("改用另一个密码", "use another one"),
        );
        return None;
    }
    let text = text.map(|text| Secret::Text(text.value.to_owned()));
    let file = file.map(|file| Secret::File(PathBuf::from(file.value)));
    let variable = variable.map(|name| Secret::Variable(name.value.to_owned()));
    text.or(file).or(variable)
}
