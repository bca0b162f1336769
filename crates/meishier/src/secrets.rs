//! Passwords that the configuration only names: first lines of files, environment variables.

use meishier_config::{Config, Secret, Unreadable};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Longest file that is looked at, bytes.
const MOST: u64 = 4096;
/// Shortest key of a signature, bytes: whoever sees one signed dossier may try shorter ones through.
const LEAST_KEY: usize = 16;

/// Why something cannot be had, in Chinese and in English.
type Why = (String, String);

/// Puts every password in its place.
///
/// # Errors
/// Which of them cannot be had, and why; never empty, and without a word of what stands there.
pub fn fill(config: &mut Config) -> Result<(), Vec<Unreadable>> {
    let mut failures = Vec::new();
    let passwords = config.trunks.iter_mut().filter_map(|trunk| {
        let login = trunk.login.as_mut()?;
        let of = (
            format!("中继 {:?} 的密码", trunk.name),
            format!("the password of trunk {:?}", trunk.name),
        );
        Some((of, false, &mut login.password))
    });
    let receivers = &mut config.dossier.receivers;
    let keys = receivers.iter_mut().filter_map(|receiver| {
        let of = (
            format!("接收方 {:?} 的签名密钥", receiver.name),
            format!("the secret of receiver {:?}", receiver.name),
        );
        Some((of, true, receiver.secret.as_mut()?))
    });
    for ((of_zh, of_en), signs, secret) in passwords.chain(keys) {
        let found = match &*secret {
            Secret::Text(_) => continue,
            Secret::File(path) => first_line(path, signs).map_err(|why| {
                let file = path.display();
                (
                    format!("文件 {file}：{}", why.0),
                    format!("file {file}: {}", why.1),
                )
            }),
            Secret::Variable(name) => std::env::var(name).map_err(|_| {
                (
                    format!("没有环境变量 {name}"),
                    format!("there is no environment variable {name}"),
                )
            }),
        };
        let found = found.and_then(|text| match Secret::fits(&text) {
            true if signs && text.len() < LEAST_KEY => Err(too_short()),
            true => Ok(text),
            false => Err((
                "应是一行，不空，最多 256 字节".to_owned(),
                "must be one line, not empty, at most 256 bytes".to_owned(),
            )),
        });
        match found {
            Ok(text) => *secret = Secret::Text(text),
            Err((zh, en)) => failures.push(Unreadable {
                message_zh: format!("{of_zh}读不到：{zh}"),
                message_en: format!("{of_en} cannot be had: {en}"),
            }),
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures)
    }
}

fn too_short() -> Why {
    (
        format!("签名密钥至少 {LEAST_KEY} 字节，例如 openssl rand -hex 32 的输出"),
        format!("a secret has at least {LEAST_KEY} bytes, such as openssl rand -hex 32 gives"),
    )
}

/// `own`: nobody but the owner of the file may read it.
fn first_line(path: &Path, own: bool) -> Result<String, Why> {
    let unreadable = |error: std::io::Error| {
        (
            format!("不能读取（{error}）"),
            format!("cannot be read ({error})"),
        )
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if own && mode & 0o077 != 0 {
        return Err((
            "别人也能读它：chmod 600".to_owned(),
            "others may read it: chmod 600".to_owned(),
        ));
    }
    let mut text = String::new();
    file.take(MOST)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(password: &str) -> Config {
        let text = include_str!("../../../deploy/guizhou.toml");
        let login = format!("[[trunks]]\nauth = {{ user = \"u\", {password} }}\n");
        let text = text.replacen("[[trunks]]\n", &login, 1);
        meishier_config::parse(&text, None).unwrap().0
    }

    fn password(config: &Config) -> &str {
        let login = config.trunks[0].login.as_ref().unwrap();
        login.password.text()
    }

    #[test]
    fn files_and_variables_are_read_and_what_is_wrong_is_told_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("carrier.password");
        let named = format!("password_file = {:?}", file.display().to_string());
        let mut it = config(&named);
        assert_eq!(password(&it), "");
        assert!(fill(&mut it).is_err(), "no file");
        std::fs::write(&file, "hush hush\r\n# the rest is not looked at\n").unwrap();
        fill(&mut it).unwrap();
        assert_eq!(password(&it), "hush hush");
        fill(&mut it).unwrap();
        for bad in ["", "\nsecond", &"x".repeat(300), "tab\tbed"] {
            std::fs::write(&file, bad).unwrap();
            let mut it = config(&named);
            let told = fill(&mut it).unwrap_err();
            assert_eq!(told.len(), 1);
            let words = format!("{} {}", told[0].message_zh, told[0].message_en);
            assert!(bad.is_empty() || !words.contains(bad), "{words}");
        }
        let mut it = config("password_env = \"MEISHIER_NO_SUCH_VARIABLE\"");
        assert!(fill(&mut it).is_err());
        // Some variable that every process has.
        let mut it = config("password_env = \"CARGO_PKG_NAME\"");
        fill(&mut it).unwrap();
        assert_eq!(password(&it), "meishier");
        let mut it = config("password = \"plain\"");
        fill(&mut it).unwrap();
        assert_eq!(password(&it), "plain");
        assert!(!format!("{it:?}").contains("\"plain\""));
    }

    #[test]
    fn the_key_of_a_signature_is_long_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("police.secret");
        let text = format!(
            "{}\n[[dossier.receivers]]\nname = \"police\"\nurl = \"http://127.0.0.1:9/x\"\n\
             emergencies = true\nsecret_file = {:?}\n",
            include_str!("../../../deploy/guizhou.toml"),
            file.display().to_string()
        );
        let filled = |secret: &str, mode: u32| {
            std::fs::write(&file, secret).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            let mut it = meishier_config::parse(&text, None).unwrap().0;
            fill(&mut it).map_err(|told| told[0].message_en.clone())
        };
        let long = "0123456789abcdef";
        assert_eq!(filled(long, 0o600), Ok(()));
        for (secret, mode, why) in [
            ("#", 0o600, "at least 16 bytes"),
            (&long[1..], 0o600, "at least 16 bytes"),
            (long, 0o604, "others may read it"),
            (long, 0o640, "others may read it"),
        ] {
            let told = filled(secret, mode).unwrap_err();
            assert!(told.contains(why) && !told.contains(secret), "{told}");
        }
    }
}
