/** Sample texts, one per language, written for this project. */
export interface Sample {
  readonly code: string;
  readonly text: string;
}

export const SAMPLES: readonly Sample[] = [
  {
    code: "en",
    text: "In 1903 Marie Curie became the first woman to win a Nobel Prize. She had moved from Warsaw to Paris, where she studied at the Sorbonne. The shed in which she worked was cold and damp, but her results were magnificent. The newspapers praised the discovery and hardly asked who paid for it.",
  },
  {
    code: "de",
    text: "Im Jahr 1903 erhielt Marie Curie als erste Frau einen Nobelpreis. Sie war aus Warschau nach Paris gezogen und hatte an der Sorbonne studiert. Der Schuppen, in dem sie arbeitete, war kalt und feucht, aber ihre Ergebnisse waren großartig.",
  },
  {
    code: "es",
    text: "En 1903 Marie Curie fue la primera mujer que recibió un premio Nobel. Se había mudado de Varsovia a París, donde estudió en la Sorbona. El cobertizo en el que trabajaba era frío y húmedo, pero sus resultados fueron magníficos.",
  },
  {
    code: "fr",
    text: "En 1903, Marie Curie fut la première femme à recevoir un prix Nobel. Elle avait quitté Varsovie pour Paris, où elle étudia à la Sorbonne. Le hangar où elle travaillait était froid et humide, mais ses résultats furent magnifiques.",
  },
  {
    code: "pt",
    text: "Em 1903, Marie Curie foi a primeira mulher a receber um prêmio Nobel. Ela tinha se mudado de Varsóvia para Paris, onde estudou na Sorbonne. O galpão em que trabalhava era frio e úmido, mas os resultados foram magníficos.",
  },
  {
    code: "it",
    text: "Nel 1903 Marie Curie fu la prima donna a ricevere un premio Nobel. Si era trasferita da Varsavia a Parigi, dove studiò alla Sorbona. Il capannone in cui lavorava era freddo e umido, ma i suoi risultati furono magnifici.",
  },
  {
    code: "ja",
    text: "1903年、マリー・キュリーは女性として初めてノーベル賞を受賞した。彼女はワルシャワからパリに移り、ソルボンヌ大学で学んだ。仕事をした小屋は寒く湿っていたが、その成果は素晴らしかった。",
  },
  {
    code: "zh",
    text: "1903年,玛丽·居里成为第一位获得诺贝尔奖的女性。她从华沙搬到巴黎,在索邦大学学习。她工作的棚屋又冷又潮湿,但是她的成果非常出色。",
  },
  {
    code: "zh-TW",
    text: "1903年,瑪麗·居禮成為第一位獲得諾貝爾獎的女性。她從華沙搬到巴黎,在索邦大學學習。她工作的棚屋又冷又潮濕,但是她的成果非常出色。",
  },
  {
    code: "ar",
    text: "في عام 1903 أصبحت ماري كوري أول امرأة تفوز بجائزة نوبل. انتقلت من وارسو إلى باريس ودرست في جامعة السوربون. كان المكان الذي عملت فيه باردا ورطبا، لكن نتائجها كانت رائعة.",
  },
  {
    code: "hi",
    text: "1903 में मैरी क्यूरी नोबेल पुरस्कार पाने वाली पहली महिला बनीं। वे वारसॉ से पेरिस आई थीं और उन्होंने सोरबोन में पढ़ाई की। जिस शेड में वे काम करती थीं वह ठंडा और नम था, लेकिन उनके परिणाम शानदार थे।",
  },
  {
    code: "ko",
    text: "1903년 마리 퀴리는 여성 최초로 노벨상을 받았다. 그는 바르샤바에서 파리로 이주하여 소르본 대학교에서 공부했다. 그가 일한 창고는 춥고 습했지만 결과는 훌륭했다.",
  },
];

/** Lines for the batch form. */
export const BATCH_SAMPLE = [
  "The parcel arrived a day early and the box was intact. Wonderful service!",
  "I waited two weeks, and the lamp was broken when I opened the box.",
  "The museum in Vienna opens at nine and closes at six.",
  "The room was lovely, but the breakfast was cold and the coffee worse.",
].join("\n");
