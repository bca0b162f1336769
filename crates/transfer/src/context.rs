//! What the words around a name say of it: that somebody is there, or is not, or that something else is.
//!
//! Who asks without need costs a moment, who does not ask sends the police to another city: whatever
//! looks like one of these is one.

/// Why a name is not simply the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Somebody is not there: `不住在贵阳`.
    Denied,
    /// It tells of another time or another person: `以前在贵阳`, `老家是贵阳`, `男友在上海`.
    Apart,
    /// It may be the place, or become it: `可能在贵阳`, `要去贵阳`.
    Open,
}

/// Where a clause ends.
const STOPS: &str = "，,。.；;！!？?：:\n";
/// What begins the account of how it is at present: what stands before it is over.
const NOW: [&str; 7] = ["现在", "如今", "目前", "此刻", "眼下", "这会", "今天"];

/// What may stand between a negation and its verb.
const FILLERS: &str = "有再会能敢想愿肯曾经真怎么可常";
/// Of these are the words for being somewhere and going there.
const BEING: &str = "在住到去来回位处于是过了待呆";
/// Before `不` they make it another word: `撑不住`, `找不到`.
const COMPLEMENT: &str = "撑忍制持找系下上熬扛挺顶停保止憋过看见听死坐站打";

const PAST: [&str; 23] = [
    "以前",
    "从前",
    "曾",
    "之前",
    "过去",
    "原来",
    "原先",
    "当年",
    "去年",
    "前年",
    "上个月",
    "上周",
    "上次",
    "昨天",
    "昨晚",
    "前天",
    "前几天",
    "前段",
    "小时候",
    "年轻时",
    "早年",
    "那时",
    "当时",
];
const PAST_AFTER: [&str; 13] = [
    "长大",
    "出生",
    "毕业",
    "读过",
    "住过",
    "呆过",
    "待过",
    "去过",
    "工作过",
    "上过",
    "来过",
    "之前",
    "以前",
];
const ORIGIN: [&str; 18] = [
    "出生",
    "生于",
    "生在",
    "老家",
    "籍贯",
    "祖籍",
    "原籍",
    "户口",
    "户籍",
    "身份证",
    "家乡",
    "故乡",
    "娘家",
    "婆家",
    "来自",
    "手机号",
    "归属地",
    "车牌",
];
const ORIGIN_AFTER: [&str; 9] = [
    "籍",
    "户口",
    "户籍",
    "口音",
    "的户口",
    "的号",
    "的手机",
    "的卡",
    "的车牌",
];
const LEFT_AFTER: [&str; 7] = ["出来", "离开", "出发", "走了", "回来", "打来", "过来"];

const TOWARDS: [&str; 32] = [
    "要去",
    "要到",
    "要来",
    "要回",
    "想去",
    "想到",
    "想来",
    "想回",
    "准备去",
    "准备到",
    "准备来",
    "准备回",
    "打算去",
    "打算到",
    "打算来",
    "打算回",
    "赶往",
    "前往",
    "开往",
    "飞往",
    "去往",
    "返回",
    "一会",
    "待会",
    "等会",
    "等下",
    "明天",
    "后天",
    "下周",
    "路过",
    "经过",
    "途经",
];
/// Right before a name they lead there.
const LEADING: [&str; 12] = [
    "去", "往", "到", "回", "赴", "飞", "至", "经", "去了", "回了", "离", "靠近",
];
/// Unlike the others that lead there, these end there.
const ARRIVED: [&str; 11] = [
    "已经到",
    "已到",
    "刚到",
    "到了",
    "到达",
    "来到",
    "跑到",
    "走到",
    "逃到",
    "搬到",
    "回到",
];
/// Right after a name they lead away.
const AWAY: [&str; 9] = ["到", "至", "往", "去", "回", "飞", "开往", "前往", "出来"];
const VEHICLES: [&str; 9] = [
    "高铁", "动车", "火车", "列车", "航班", "飞机", "大巴", "客车", "班车",
];

const KIN: [&str; 42] = [
    "妈",
    "爸",
    "父亲",
    "母亲",
    "父母",
    "爹",
    "哥",
    "姐",
    "弟",
    "妹",
    "男友",
    "女友",
    "朋友",
    "老公",
    "老婆",
    "丈夫",
    "妻子",
    "前妻",
    "前夫",
    "爱人",
    "儿子",
    "女儿",
    "孩子",
    "小孩",
    "同学",
    "同事",
    "亲戚",
    "家人",
    "家里人",
    "爷爷",
    "奶奶",
    "外公",
    "外婆",
    "姥",
    "叔",
    "姑姑",
    "舅",
    "对象",
    "前任",
    "室友",
    "老师",
    "媳妇",
];
const UNSURE: [&str; 37] = [
    "可能",
    "好像",
    "似乎",
    "大概",
    "大约",
    "也许",
    "或许",
    "估计",
    "应该",
    "不确定",
    "不知道",
    "不清楚",
    "不晓得",
    "不肯定",
    "不一定",
    "说不定",
    "说不准",
    "拿不准",
    "记不清",
    "没准",
    "听说",
    "据说",
    "猜",
    "怀疑",
    "疑似",
    "万一",
    "如果",
    "要是",
    "假如",
    "是否",
    "像是",
    "感觉",
    "貌似",
    "恐怕",
    "或者",
    "还是",
    "或",
];
/// At the beginning or the end of what follows a name.
const UNSURE_AFTER: [&str; 12] = [
    "可能",
    "好像",
    "大概",
    "也许",
    "应该",
    "估计",
    "不确定",
    "还是",
    "或",
    "吗",
    "吧",
    "么",
];
/// A clause of its own: it is of the one beside it.
const DOUBTS: [&str; 9] = [
    "不确定",
    "不太确定",
    "不能确定",
    "不肯定",
    "说不准",
    "拿不准",
    "记不清",
    "可能吧",
    "对不对",
];
/// It is the house that is not certain.
const DETAIL: [&str; 12] = [
    "具体", "哪", "几", "楼", "门", "房", "号", "室", "层", "小区", "位置", "街",
];

/// What the words around the part of a text from `start` to `end` say of it; `earlier` is where the name
/// before it ends. Nothing if nothing speaks against somebody's being there.
pub(crate) fn doubt(text: &str, (start, end): (usize, usize), earlier: usize) -> Option<Doubt> {
    let all = text.get(..start).unwrap_or_default();
    let begun = all
        .rfind(|c| STOPS.contains(c))
        .and_then(|at| Some(at + all.get(at..)?.chars().next()?.len_utf8()));
    let begun = begun.unwrap_or(0);
    let clause = all.get(begun..).unwrap_or_default();
    let rest = text.get(end..).unwrap_or_default();
    let (after, stop) = match rest.find(|c| STOPS.contains(c)) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // Each of two that are named in a clause may have its own verb: 不在贵阳在遵义.
    let own = all.get(earlier.max(begun)..).unwrap_or_default();
    let near = match own.contains(['在', '是']) {
        true => own,
        false => clause,
    };
    let ended = NOW
        .iter()
        .filter_map(|it| Some(near.rfind(it)? + it.len()))
        .max();
    let near = ended.and_then(|at| near.get(at..)).unwrap_or(near);
    if let Some(denied) = denied(near) {
        return Some(denied);
    }
    if is_of_another(clause) || is_past(near, after) || is_left(near, after) {
        return Some(Doubt::Apart);
    }
    let beside = [before_clause(all.get(..begun)), stop_clause(stop)];
    let open = is_towards(near, after)
        || is_unsure(clause, after)
        || stop.starts_with(['？', '?'])
        || beside.into_iter().flatten().any(is_doubt);
    open.then_some(Doubt::Open)
}

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|it| text.contains(it))
}

fn starts(text: &str, words: &[&str]) -> bool {
    words.iter().any(|it| text.starts_with(it))
}

/// The clause before, and that after.
fn before_clause(text: Option<&str>) -> Option<&str> {
    let text = text?.trim_end_matches(|c| STOPS.contains(c));
    text.rsplit(|c| STOPS.contains(c)).next()
}

fn stop_clause(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(|c| STOPS.contains(c));
    text.split(|c| STOPS.contains(c)).next()
}

fn is_doubt(clause: &str) -> bool {
    clause.chars().count() <= 10 && any(clause, &DOUBTS) && !any(clause, &DETAIL)
}

/// `不在`, `没有住在`; `是不是在` is a question.
fn denied(near: &str) -> Option<Doubt> {
    if near.ends_with("离开") || near.ends_with("离开了") {
        return Some(Doubt::Denied);
    }
    let mut found = None;
    for (at, no) in near.char_indices().filter(|(_, c)| "不没未".contains(*c)) {
        let last = near.get(..at).and_then(|it| it.chars().next_back());
        let rest = near.get(at + no.len_utf8()..).unwrap_or_default();
        if last.is_some_and(|c| COMPLEMENT.contains(c)) {
            continue;
        }
        if last.is_some() && last == rest.chars().next() {
            found = found.or(Some(Doubt::Open));
            continue;
        }
        let verb = rest.trim_start_matches(|c| FILLERS.contains(c));
        if verb.chars().next().is_some_and(|c| BEING.contains(c)) {
            let plain = |c: char| BEING.contains(c) || !c.is_alphabetic();
            match verb.chars().all(plain) {
                true => return Some(Doubt::Denied),
                false => found = Some(Doubt::Apart),
            }
        }
    }
    found
}

/// The subject is somebody whom the caller knows.
fn is_of_another(clause: &str) -> bool {
    let last = KIN
        .iter()
        .filter_map(|it| Some((clause.rfind(it)?, *it)))
        .max();
    let Some((at, kin)) = last else {
        return false;
    };
    let rest = clause.get(at + kin.len()..).unwrap_or_default();
    let rest = rest.trim_start_matches(['妈', '爸', '哥', '姐', '弟', '妹', '叔', '舅']);
    let before = clause.get(..at).unwrap_or_default();
    let with = ["和", "跟", "与", "同", "陪"];
    // 和她妈妈在: both are.
    let whose = before.trim_end_matches(['我', '他', '她', '的', '妈', '爸', '男', '女']);
    let together = with.iter().any(|it| whose.ends_with(it));
    let says = starts(rest, &["说", "讲", "告诉", "报"]);
    let home = rest.starts_with('家') && !rest.contains(['在', '是', '住']);
    let own = any(rest, &["他", "她", "我", "自己", "本人", "来电", "当事人"]);
    !(together || says || home || own)
}

fn is_past(near: &str, after: &str) -> bool {
    let person = after.strip_prefix('人').is_some_and(|rest| {
        let next = rest.chars().next();
        next.is_none_or(|c| "在是的现住来也".contains(c))
    });
    any(near, &PAST)
        || any(near, &ORIGIN)
        || any(after, &PAST_AFTER)
        || starts(after, &ORIGIN_AFTER)
        || after.starts_with('是') && any(after, &ORIGIN)
        || near.ends_with('是') && ["的", "的人"].contains(&after)
        || person
        || after.starts_with('有') && any(after, &KIN)
}

fn is_left(near: &str, after: &str) -> bool {
    near.contains('从') || near.ends_with('自') || any(after, &LEFT_AFTER)
}

fn is_towards(near: &str, after: &str) -> bool {
    let leads = LEADING.iter().any(|it| near.ends_with(it));
    let arrived = ARRIVED.iter().any(|it| near.ends_with(it));
    let wants = any(near, &["要", "想", "准备", "打算"]);
    let rides = VEHICLES.iter().any(|it| {
        let rest = after.split_once(it).map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['上', '里', '中']))
    });
    any(near, &TOWARDS)
        || leads && (!arrived || wants)
        || starts(after, &AWAY)
        || any(after, &["开往", "飞往", "去往", "途中", "下车", "转车"])
        || rides
}

fn is_unsure(clause: &str, after: &str) -> bool {
    let after = after.trim_matches(|c| "（()）“”\"".contains(c));
    let bars = ["酒吧", "网吧", "书吧", "水吧"];
    let ends = UNSURE_AFTER.iter().any(|it| after.ends_with(it));
    any(clause, &UNSURE)
        || starts(after, &UNSURE_AFTER)
        || ends && !bars.iter().any(|it| after.ends_with(it))
}
