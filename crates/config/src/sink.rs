//! Where mistakes are collected while the file is read.

use crate::error::{ConfigError, Warning};
use crate::value::without_numbers;
use std::cell::RefCell;
use std::ops::Range;

/// A text in Chinese and in English.
pub(crate) type Both = (String, String);

/// Formats one text in both languages from the variables in scope.
macro_rules! both {
    ($zh:literal, $en:literal) => {
        (format!($zh), format!($en))
    };
}
pub(crate) use both;

/// Most mistakes or warnings that are kept: more help nobody.
const MOST: usize = 500;

/// Collects mistakes and warnings.
#[derive(Default)]
pub(crate) struct Sink {
    errors: RefCell<Vec<ConfigError>>,
    warnings: RefCell<Vec<Warning>>,
}

impl Sink {
    /// Notes a mistake.
    pub fn error(&self, span: &Range<usize>, message: Both, help: Both) {
        push(&self.errors, span, None, message, help);
    }

    /// Notes a mistake that it takes two places to make.
    pub fn error_also(
        &self,
        span: &Range<usize>,
        also: Option<Range<usize>>,
        message: Both,
        help: Both,
    ) {
        push(&self.errors, span, also, message, help);
    }

    /// Takes over what was noted elsewhere.
    pub fn adopt(&self, errors: &[ConfigError], warnings: &[Warning]) {
        self.errors.borrow_mut().extend_from_slice(errors);
        self.warnings.borrow_mut().extend_from_slice(warnings);
    }

    /// Notes a doubt.
    pub fn warn(&self, span: &Range<usize>, message: Both, help: Both) {
        push(&self.warnings, span, None, message, help);
    }

    /// How many mistakes there are by now.
    pub fn count(&self) -> usize {
        self.errors.borrow().len()
    }

    /// Mistakes and warnings, each in order of place.
    pub fn into_lists(self) -> (Vec<ConfigError>, Vec<Warning>) {
        let mut lists = (self.errors.into_inner(), self.warnings.into_inner());
        lists.0.sort_by_key(|item| (item.span.start, item.span.end));
        lists.1.sort_by_key(|item| (item.span.start, item.span.end));
        lists
    }
}

fn push(
    list: &RefCell<Vec<ConfigError>>,
    span: &Range<usize>,
    also: Option<Range<usize>>,
    message: Both,
    help: Both,
) {
    let mut list = list.borrow_mut();
    if list.len() < MOST {
        let [message_zh, message_en] = [message.0, message.1].map(without_numbers);
        let [help_zh, help_en] = [help.0, help.1].map(without_numbers);
        list.push(ConfigError {
            message_zh,
            message_en,
            help_zh,
            help_en,
            span: span.clone(),
            also,
        });
    }
}

/// No help beyond the message.
pub(crate) fn no_help() -> Both {
    (String::new(), String::new())
}
