#!/bin/sh
# Makes every prompt and the music beside this script: WAV, 8000 Hz, one channel, 16-bit PCM.
#
#   apt-get install --no-install-recommends espeak-ng sox && sh make.sh
#
# The words are written in pinyin: Debian's espeak-ng knows few Chinese characters (the long word
# list is not packed) and spells the others in English, but it speaks pinyin with tones well.
# Tone sandhi is written out (third tone before third tone: second; bu4 before fourth tone: bu2).
# These recordings are for a start; an operator replaces each by a voice of its own.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say NAME SPEED PINYIN: speech, silence cut at both ends, 40 ms left, telephone band, level evened,
# peak -5 dB.
say() {
    espeak-ng -v cmn-latn-pinyin -s "$2" -p 42 -a 90 -g 1 -w "$work/raw.wav" "$3"
    sox -R -D "$work/raw.wav" -r 8000 -c 1 -b 16 "$1.wav" \
        silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse \
        gain -6 highpass 180 lowpass 3500 gain -n -1 compand 0.005,0.15 -70,-70,-35,-20,-10,-8,0,-6 -8 pad 0.04 0.04 gain -n -5
}

say greeting 165 "nin2 hao3, zhe4 li3 shi4 yi1 er4 san1 wu3 liu4, xin1 li3 yuan2 zhu4 re4 xian4. zheng4 zai4 wei4 nin2 jie1 tong1 zi1 xun2 yuan2, qing3 bu2 yao4 gua4 ji1."
say position_before 165 "qian2 mian4 hai2 you3"
say position_after 165 "wei4"
say 0 165 "ling2"
say 1 165 "yi1"
say 2 165 "er4"
say 3 165 "san1"
say 4 165 "si4"
say 5 165 "wu3"
say 6 165 "liu4"
say 7 165 "qi1"
say 8 165 "ba1"
say 9 165 "jiu3"
say 10 165 "shi2"
say liang 165 "liang3"
say over_99 165 "chao1 guo4 jiu3 shi2 jiu3"
say next_in_line 165 "xia4 yi2 wei4 jiu4 shi4 nin2."
say all_busy 165 "zi1 xun2 yuan2 dou1 zai4 mang2, qing3 nin2 shao1 deng3, wo3 men5 hui4 jin3 kuai4 wei4 nin2 jie1 tong1."
say signed_on 175 "qian1 ru4 cheng2 gong1."
say signed_off 175 "yi3 qian1 chu1."
say resumed 175 "yi3 hui1 fu4 jie1 ting1."
say paused 175 "yi3 shi4 mang2."
say paused_no_answer 175 "nin2 you3 lai2 dian4 wei4 jie1 ting1, zuo4 xi2 yi3 zan4 ting2. zhun3 bei4 hao3 hou4, qing3 hui1 fu4 jie1 ting1."
say transfer_failed 175 "zhuan3 jie1 wei4 cheng2 gong1, tong1 hua4 ji4 xu4."
say transfer_dialling 175 "zheng4 zai4 zhuan3 jie1, qing3 shao1 hou4."
say pin_wrong 175 "gong1 hao4 huo4 mi4 ma3 bu2 zheng4 que4, qing3 chong2 xin1 shu1 ru4."
say code_unknown 175 "mei2 you3 zhe4 ge4 dai4 ma3."
say danger_before 165 "ru2 guo3 you3 sheng1 ming4 wei1 xian3, qing3 an4"
say danger_after 165 "jian4."
say danger_heard 165 "yi3 wei4 nin2 you1 xian1 jie1 tong1, qing3 bu2 yao4 gua4 ji1."
say recording_told 175 "wei4 bao3 zhang4 fu2 wu4 zhi4 liang4, ben3 ci4 tong1 hua4 jiang1 bei4 lu4 yin1."
say recording_asked 175 "wei4 bao3 zhang4 fu2 wu4 zhi4 liang4, ben3 ci4 tong1 hua4 jiang1 bei4 lu4 yin1. ru2 bu4 tong2 yi4, qing3 an4"
say recording_refused 175 "hao3 de5, ben3 ci4 tong1 hua4 bu2 lu4 yin1."
say guidance 165 "zhe4 tiao2 re4 xian4 liu2 gei3 xu1 yao4 xin1 li3 yuan2 zhu4 de5 ren2. qi2 ta1 bang1 zhu4 qing3 bo1 da3 yi1 er4 san1 si4 wu3. gan3 xie4 nin2 de5 lai2 dian4, zai4 jian4."
say goodbye 165 "gan3 xie4 nin2 de5 lai2 dian4, zai4 jian4."

# Said to whoever answers a key, before they hear the caller. In telephone numbers 1 is yao1.
say yao 165 "yao1"
say hundred 165 "yi4 bai3"
say brief_danger 165 "zhe4 li3 shi4 yao1 er4 san1 wu3 liu4, xin1 li3 yuan2 zhu4 re4 xian4. zhuan3 jie1 yi2 wei4 you3 sheng1 ming4 wei1 xian3 de5 lai2 dian4 zhe3."
say brief_help 165 "zhe4 li3 shi4 yao1 er4 san1 wu3 liu4, xin1 li3 yuan2 zhu4 re4 xian4. zhuan3 jie1 yi2 wei4 lai2 dian4 zhe3."
say brief_acting 165 "zi4 sha1 xing2 wei2, zheng4 zai4 shi2 shi1."
say brief_high 165 "zi4 sha1 feng1 xian3 gao1."
say brief_medium 165 "zi4 sha1 feng1 xian3 zhong1 deng3."
say brief_place 165 "di4 dian3 qu1 hao4"
say brief_place_told 165 "di4 dian3 you2 lai2 dian4 zhe3 shuo1 ming2."
say brief_place_cell 165 "di4 dian3 lai2 zi4 ji1 zhan4."
say brief_place_number 165 "di4 dian3 lai2 zi4 hao4 ma3 gui1 shu3 di4."
say brief_place_unsure 165 "di4 dian3 bu2 que4 ding4."
say brief_number 165 "lai2 dian4 hao4 ma3"
say brief_no_number 165 "mei2 you3 lai2 dian4 hao4 ma3."
say brief_switchboard 165 "lai2 dian4 hao4 ma3 shi4 zong3 ji1."
say brief_unproved 165 "hao4 ma3 wei4 jing1 he2 shi2."
say brief_callback 165 "hui2 bo1 hao4 ma3"
say brief_battery 165 "shou3 ji1 dian4 liang4, bai3 fen1 zhi1"
say hazard_height 165 "ren2 zai4 gao1 chu4."
say hazard_blade 165 "you3 dao1 ju4."
say hazard_poison 165 "you3 yao4 wu4 huo4 du2 wu4."
say hazard_gas 165 "you3 mei2 qi4."
say hazard_water 165 "ren2 zai4 shui3 bian1."
say hazard_fire 165 "you3 ming2 huo3."
say hazard_rope 165 "you3 sheng2 suo3."
say hazard_traffic 165 "ren2 zai4 tie3 lu4 huo4 gong1 lu4 shang4."
say hazard_violence 165 "you3 ren2 shi1 bao4."
say hazard_others 165 "ta1 ren2 ye2 you3 wei1 xian3."
say brief_stays 165 "zi1 xun2 yuan2 zheng4 zai4 pei2 ban4 lai2 dian4 zhe3."
say brief_confirm 165 "qing3 an4 yi1 jian4, que4 ren4 jie1 shou3. an4 er4 jian4, chong2 ting1."

# chord FILE NOTE NOTE NOTE NOTE: four soft sines, six seconds, slow rise and fall.
chord() {
    sox -R -D -n -r 8000 -c 1 -b 16 "$work/$1" synth 6 \
        sine "$2" sine "$3" sine "$4" sine "$5" remix - fade h 1.6 6 2.2
}
# Cmaj9, Am7, Fmaj7, G6: each fades into silence, so that the loop has no seam.
chord a.wav 261.63 329.63 392.00 493.88
chord b.wav 220.00 261.63 329.63 392.00
chord c.wav 174.61 261.63 329.63 440.00
chord d.wav 196.00 246.94 293.66 329.63
sox -R -D "$work/a.wav" "$work/b.wav" "$work/c.wav" "$work/d.wav" -r 8000 -c 1 -b 16 music.wav \
    lowpass 1200 tremolo 0.25 20 gain -n -22
