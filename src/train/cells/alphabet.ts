/** Letters and signs that are learned to be read: what Western European, Polish and Czech print uses, and some symbols. */
export const alphabet: readonly string[] = [
  ...'!"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~',
  ...'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽžĄąĆćČčĘęŁłŃńŘřŚśŻż',
  ...'€£¥§°²³·×÷±½¼¾«»¿¡©®™–—‘’“”„•…→←↑↓✓☐☑№',
]
