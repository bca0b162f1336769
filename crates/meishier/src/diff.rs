pub fn run(_: &crate::cli::Diff) -> std::process::ExitCode { std::process::ExitCode::SUCCESS }
