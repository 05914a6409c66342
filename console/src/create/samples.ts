/** A sample text. All are in the public domain. */
export interface Sample {
  readonly name: string;
  readonly text: string;
}

/** Documents for users who have none at hand. They have people, places, dates and opinions to find. */
export const SAMPLES: readonly Sample[] = [
  {
    name: "gettysburg-1863.txt",
    text: `Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived and so dedicated, can long endure. We are met on a great battle-field of that war. We have come to dedicate a portion of that field, as a final resting place for those who here gave their lives that that nation might live. It is altogether fitting and proper that we should do this.
`,
  },
  {
    name: "constitution-1787.txt",
    text: `We the People of the United States, in Order to form a more perfect Union, establish Justice, insure domestic Tranquility, provide for the common defence, promote the general Welfare, and secure the Blessings of Liberty to ourselves and our Posterity, do ordain and establish this Constitution for the United States of America.
`,
  },
  {
    name: "sherlock-holmes-1892.txt",
    text: `To Sherlock Holmes she is always the woman. I have seldom heard him mention her under any other name. In his eyes she eclipses and predominates the whole of her sex. It was not that he felt any emotion akin to love for Irene Adler. All emotions, and that one particularly, were abhorrent to his cold, precise but admirably balanced mind.
`,
  },
];
